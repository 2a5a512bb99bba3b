"""What is left of a waiting entry, and whether it takes liquidity now because its end is near."""

from __future__ import annotations

from server.exchange.port import Book
from server.execution.progress import Progress
from server.trade_entry.end_of_zone import Conversion, NoConversion, convert
from server.trade_entry.rest import Rest
from server.trade_entry.ticket import Ticket


def rest_of(ticket: Ticket, progress: Progress) -> Rest:
    """What the plan has left: a fill counts with its attempt's limit, which is the worst it can have cost."""
    return Rest.after(ticket, [(attempt.price, attempt.filled) for attempt in progress.attempts])


def conversion(ticket: Ticket, progress: Progress, book: Book, now: int) -> Conversion | NoConversion:
    """The order that replaces what waits, or why it waits on.

    The end that is near is that of the zone or of the order's own life, whichever comes first: with a zone
    that outlives the order, the zone's end alone would never be seen. It happens once.
    """
    if any(attempt.time_in_force == "ioc" for attempt in progress.attempts):
        return NoConversion("converted_before")
    if progress.rest_until is not None and progress.rest_until < ticket.zone_expires_at_ms:
        ticket = ticket.model_copy(update={"zone_expires_at_ms": progress.rest_until})
    return convert(ticket, book, now, rest_of(ticket, progress))
