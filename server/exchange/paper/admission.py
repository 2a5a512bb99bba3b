"""Why the paper venue turns a request away: each function gives the refusal, or None where it takes it."""

from __future__ import annotations

from decimal import Decimal

from server.exchange.paper.account import ZERO, order_margin, sign
from server.exchange.paper.specification import Specification
from server.exchange.paper.state import Held, State
from server.exchange.port import Book
from server.exchange.trading import EntryOrder, MarginMode, Refusal, Refused, TriggerKind

LONGEST_ID = 32


def refused_id(state: State, client_order_id: str) -> Refused | None:
    """Ids are letters and digits, and each of them is taken once, by whatever it was."""
    if not (client_order_id.isascii() and client_order_id.isalnum() and len(client_order_id) <= LONGEST_ID):
        return _no("other", f"{client_order_id!r} is not 1 to {LONGEST_ID} letters and digits")
    if state.knows(client_order_id):
        return _no("duplicate_client_order_id", f"{client_order_id} has been used")
    return None


def refused_leverage(
    state: State, specification: Specification, leverage: int, margin_mode: MarginMode
) -> Refused | None:
    """The contract's range; and what is open in a symbol keeps the leverage that it has."""
    low, high = specification.min_leverage, specification.max_leverage
    symbol = specification.symbol
    if margin_mode != "isolated":
        return _no("not_permitted", f"the paper venue has isolated margin only, not {margin_mode}")
    if not low <= leverage <= high:
        return _no("leverage", f"{symbol} is traded at {low}x to {high}x, not at {leverage}x")
    for open_one in (*state.positions.values(), *state.open_orders.values()):
        if open_one.symbol == symbol and open_one.leverage != leverage:
            what = "a position" if isinstance(open_one, Held) else "an order"
            return _no("leverage", f"{what} in {symbol} is open at {open_one.leverage}x, not {leverage}x")
    return None


def refused_size(
    specification: Specification, size: Decimal, *, opens: bool, at_market: bool
) -> Refused | None:
    """Sizes lie on steps; only what opens has to be within the contract's limits."""
    step = specification.size_step
    if not size.is_finite() or size <= 0 or size % step != 0:
        return _no("invalid_size", f"{size} is not a multiple of {step} contracts")
    if not opens:
        return None
    limits = [specification.max_size, specification.market_max_size if at_market else None]
    largest = min((limit for limit in limits if limit is not None), default=None)
    if size < specification.min_size:
        return _no("invalid_size", f"{size} contracts are less than {specification.min_size}")
    if largest is not None and size > largest:
        return _no("invalid_size", f"{size} contracts are more than {largest}")
    return None


def refused_price(specification: Specification, price: Decimal | None) -> Refused | None:
    """Prices are positive and lie on ticks."""
    tick = specification.tick_size
    if price is None or not price.is_finite() or price <= 0 or price % tick != 0:
        return _no("invalid_price", f"{price} is not a price on a tick of {tick}")
    return None


def refused_limit(order: EntryOrder, book: Book, price_limit_ratio: Decimal) -> Refused | None:
    """How far a limit may be from the mark, and that post-only must rest."""
    price = order.price
    if price is None:
        return None
    if abs(price / book.mark - 1) > price_limit_ratio:
        allowed = f"{(price_limit_ratio * 100).normalize():f} %"
        return _no("price_limit", f"{price} is further than {allowed} from the mark price {book.mark}")
    if order.time_in_force == "post_only" and crosses(order, book):
        touch = book.ask if order.side == "long" else book.bid
        return _no("would_cross", f"a post-only order at {price} would trade at {touch} at once")
    return None


def refused_protection(order: EntryOrder, specification: Specification, book: Book) -> Refused | None:
    """Stop and take profit lie on ticks, on their side of the price at which the order can fill."""
    way = sign(order.side)
    entry = entry_price(order, book)
    for kind, price in (("stop_loss", order.stop_loss), ("take_profit", order.take_profit)):
        if price is None:
            continue
        wrong = refused_price(specification, price)
        if wrong is not None:
            return wrong
        beyond = way * (price - entry) * (-1 if kind == "stop_loss" else 1)
        if beyond <= 0:
            what = kind.replace("_", " ")
            return _no("invalid_price", f"a {what} at {price} is on the wrong side of the entry at {entry}")
    return None


def refused_margin(
    order: EntryOrder, specification: Specification, book: Book, available: Decimal
) -> Refused | None:
    """What the order would hold must be free."""
    needed = held_per_contract(order, specification, book) * order.size
    if needed > available:
        return _no(
            "insufficient_margin", f"it needs {round(needed, 2)} USDT, {round(available, 2)} USDT are free"
        )
    return None


def refused_trigger(
    kind: TriggerKind, position: Held, price: Decimal, specification: Specification, last: Decimal
) -> Refused | None:
    """A trigger waits: the last price must not have reached it."""
    wrong = refused_price(specification, price)
    if wrong is not None:
        return wrong
    way = sign(position.side) * (1 if kind == "take_profit" else -1)
    if way * (price - last) <= 0:
        what = kind.replace("_", " ")
        return _no(
            "invalid_price",
            f"a {what} of a {position.side} at {price} would fire at once: the last is {last}",
        )
    return None


def crosses(order: EntryOrder, book: Book) -> bool:
    """Whether the order would trade with the book as it is."""
    if order.price is None:
        return True
    return order.price >= book.ask if order.side == "long" else order.price <= book.bid


def entry_price(order: EntryOrder, book: Book) -> Decimal:
    """Where the order fills first: at the touch if it crosses, else at its limit."""
    if order.price is not None and not crosses(order, book):
        return order.price
    return book.ask if order.side == "long" else book.bid


def held_per_contract(order: EntryOrder, specification: Specification, book: Book) -> Decimal:
    """The margin of one contract of the order at the highest price at which it can fill."""
    return order_margin(specification, max(order.price or ZERO, entry_price(order, book)), order.leverage)


def _no(cause: Refusal, detail: str) -> Refused:
    return Refused(cause, detail)
