"""The account of a paper venue as the ledger keeps it: read as often as wanted, changed in turns."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.exchange.paper.ledger import Ledger, LedgerUnavailable
from server.exchange.paper.state import Order, Page, State, decode, decode_page, encode
from server.exchange.trading import Fill


@dataclass(frozen=True, slots=True)
class Archive:
    """All pages of an account: ``origin`` says which account's, ``pages`` how many they are."""

    origin: int
    pages: int
    orders: Mapping[str, Order]
    fills: Sequence[Fill]

    def since(self, since_ms: int) -> Sequence[Fill]:
        """Fills at that instant or later."""
        return self.fills[bisect_left(self.fills, since_ms, key=lambda fill: fill.at_ms) :]

    def with_page(self, page: Page) -> Archive:
        """The archive and one page more."""
        orders = {**self.orders, **page.orders}
        return Archive(self.origin, self.pages + 1, orders, [*self.fills, *page.fills])


@dataclass(slots=True)
class Account:
    """What is current and what is past. In a turn ``state`` may be changed, or replaced."""

    state: State
    archive: Archive

    def knows(self, client_order_id: str) -> bool:
        """Whether anything has ever had this client id."""
        return client_order_id in self.archive.orders or self.state.knows(client_order_id)


class Register:
    """``opening`` makes the state of an account that was never kept."""

    def __init__(self, ledger: Ledger, opening: Callable[[], State]) -> None:
        self._ledger = ledger
        self._opening = opening
        self._archive = Archive(0, 0, {}, ())
        self._seen: tuple[str | None, Account] = None, Account(opening(), self._archive)

    async def read(self) -> Account:
        """The account to look at; it is nobody's to change and does not change while it is looked at.

        The document is read every time, so no turn of any process is missed; it is decoded when it is new.
        Raises `LedgerUnavailable`.
        """
        document = await self._ledger.read()
        kept, account = self._seen
        if document != kept:
            account = await self._account(document)
            self._seen = document, account
        return account

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[Account]:
        """An exclusive turn with an account of its own. Nothing of one that ends with an error is kept."""
        async with self._ledger.turn() as turn:
            account = await self._account(turn.document)
            yield account
            turn.clears = _origin(account.state) != account.archive.origin
            page = account.state.fold()
            if page is not None:
                key = _key(_origin(account.state), account.state.pages - 1)
                turn.pages[key] = encode(page)
            turn.document = encode(account.state)

    async def _account(self, document: str | None) -> Account:
        state = self._opening() if document is None else decode(document)
        archive, origin = self._archive, _origin(state)
        if archive.origin != origin or archive.pages > state.pages:
            archive = Archive(origin, 0, {}, ())
        while archive.pages < state.pages:
            key = _key(origin, archive.pages)
            page = await self._ledger.page(key)
            if page is None:
                raise LedgerUnavailable(f"page {key} of the account is gone: another session has begun")
            archive = archive.with_page(decode_page(page))
        self._archive = archive
        return Account(state, archive)


def _origin(state: State) -> int:
    return 0 if state.session is None else state.session.began_unix_ms


def _key(origin: int, page: int) -> str:
    return f"{origin}-{page}"
