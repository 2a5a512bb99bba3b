"""The OpenAPI document and the page that shows it, without anything from elsewhere."""

from server.api.schema.document import document
from server.api.schema.page import HANDLERS

__all__ = ["HANDLERS", "document"]
