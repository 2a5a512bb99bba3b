"""The database: where it is, how it is opened, its tables, and how it gets them."""

from server.database.address import DatabaseAddress, DatabaseError
from server.database.connection import Database
from server.database.migration import current, head, pending, upgrade

__all__ = ["Database", "DatabaseAddress", "DatabaseError", "current", "head", "pending", "upgrade"]
