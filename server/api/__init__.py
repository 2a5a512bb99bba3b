"""The HTTP surface: requests are read strictly, answers are built once, problems are RFC 9457."""

from server.api.app import create_app

__all__ = ["create_app"]
