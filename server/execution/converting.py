"""Whether the rest of a waiting entry takes liquidity now, because its end is near."""

from __future__ import annotations

from server.exchange.port import Book
from server.execution.progress import Progress
from server.trade_entry.end_of_zone import Conversion, convert
from server.trade_entry.ticket import Ticket


def conversion(ticket: Ticket, progress: Progress, book: Book, now: int) -> Conversion | None:
    """The order that replaces what waits, or None while it waits on.

    The end that is near is that of the zone or of the order's own life, whichever comes first: with a zone
    that outlives the order, the zone's end alone would never be seen. It happens once.
    """
    if any(attempt.time_in_force == "ioc" for attempt in progress.attempts):
        return None
    if progress.rest_until is not None and progress.rest_until < ticket.zone_expires_at_ms:
        ticket = ticket.model_copy(update={"zone_expires_at_ms": progress.rest_until})
    answer = convert(ticket, book, now, ticket.size - progress.filled)
    return answer if isinstance(answer, Conversion) else None
