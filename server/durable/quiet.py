"""What DBOS may say: warnings, through the application's handlers, except what is logged here already."""

from __future__ import annotations

import logging

_SAID = ("Asyncio task cancelled for workflow", "Exception encountered in asynchronous workflow")


def install() -> None:
    """Before DBOS is made, which adds a handler of its own to a logger that has none."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_worth_saying)


def _worth_saying(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_SAID)
