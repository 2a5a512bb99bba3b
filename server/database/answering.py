"""What a store raises where its database does not answer."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError


@contextmanager
def failing_as(failure: type[Exception], saying: str) -> Generator[None]:
    """Turns what the driver raises into ``failure``, whose text is ``saying`` and the driver's own words."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).strip()
        raise failure(f"{saying}: {cause}") from error
