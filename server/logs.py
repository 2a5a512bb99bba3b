"""What is logged, and where to: events with their facts, on stderr, without query strings and bodies."""

from __future__ import annotations

import logging
import sys

import structlog

QUIET = ("httpx", "httpcore", "uvicorn.access", "sqlalchemy", "alembic")
"""Loggers of libraries that would print addresses, statements, or what is logged here already."""


def configure(level: int = logging.INFO) -> None:
    """Sends everything from ``level`` on to stderr: for people on a terminal, as JSON lines elsewhere."""
    people = sys.stderr.isatty()
    # Tracebacks without local variables: those may hold the headers of a request, and so a key.
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if people
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if people else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
