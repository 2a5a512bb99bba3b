"""What a BitMart client is made of. Nothing here reads the environment: settings hand it in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import httpx

PRODUCTION = "https://api-cloud-v2.bitmart.com"
SIMULATED = "https://demo-api-cloud-v2.bitmart.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRetries:
    """How often a read is tried, and the exponential waits between (a venue that says how long wins)."""

    attempts: int = 3
    first_wait_sec: float = 0.3
    longest_wait_sec: float = 2.0
    jitter_sec: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BitmartOptions:
    """Choices of one client. Raises `ValueError` for values that cannot work.

    ``api_key``, ``secret``, ``memo``: all three or none; without them only public data can be read.
    ``receive_window_ms``: see `server.exchange.port.Exchange.receive_window_ms`. BitMart's sources disagree
    (5 s by default for interfaces that take ``recvWindow``, "within a minute" in the error table, 60 s as the
    most the parameter may be), and nothing is proven before the longest of them has passed: 60 s, plus the
    second a timestamp may lie ahead. Requests are signed for the shortest: at the last moment, by the venue's
    clock. Lower it only for a server whose window is known.
    ``present_ms``: how far from the venue's now an instant may be whose order book is asked for.
    ``maker_fee_ratio``, ``taker_fee_ratio``: the standard rates; where the account's own are higher, those.
    ``rate_factor``: multiplies the documented request rates. Several processes behind one address or key
    divide them, so each of two takes 0.5; buckets are per process and know nothing of one another.
    ``absence_rechecks_sec``: an order that is not found is looked for again after each of these waits,
    because the venue's reads may lag behind its writes.
    ``transport``, ``wall_sec``, ``monotonic_sec``: replaced by tests.
    """

    base_url: str = PRODUCTION
    api_key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    memo: str = field(default="", repr=False)
    timeout_sec: float = 10.0
    receive_window_ms: int = 61_000
    present_ms: int = 5_000
    maker_fee_ratio: Decimal = Decimal("0.0002")
    taker_fee_ratio: Decimal = Decimal("0.0006")
    rate_factor: float = 1.0
    absence_rechecks_sec: tuple[float, ...] = (0.25, 0.5, 1.0)
    retries: ReadRetries = ReadRetries()
    transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)
    wall_sec: Callable[[], float] = field(default=time.time, repr=False)
    monotonic_sec: Callable[[], float] = field(default=time.monotonic, repr=False)

    def __post_init__(self) -> None:
        url = httpx.URL(self.base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f"the base URL must be http(s)://host, not {self.base_url!r}")
        given = [name for name in ("api_key", "secret", "memo") if getattr(self, name)]
        if len(given) not in (0, 3):
            raise ValueError(f"API key, secret and memo belong together; given: {', '.join(given)}")
        if not all(value.isascii() and value.isprintable() for value in (self.api_key, self.memo)):
            raise ValueError("the API key and the memo are printable ASCII")
        for name in ("timeout_sec", "receive_window_ms", "present_ms", "rate_factor"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        if any(wait < 0 for wait in self.absence_rechecks_sec):
            raise ValueError(f"absence_rechecks_sec must be 0 or more, not {self.absence_rechecks_sec}")
        if self.retries.attempts < 1:
            raise ValueError(f"a read is tried at least once, not {self.retries.attempts} times")

    @property
    def has_credentials(self) -> bool:
        """Whether the account can be read and traded."""
        return bool(self.api_key)
