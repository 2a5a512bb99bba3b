"""The HTTP conversation with BitMart: keys, signatures, rates, retries of reads, what an answer proves."""

from __future__ import annotations

import time
from collections.abc import Mapping

import httpx
import stamina
import structlog

from server.exchange.bitmart.clock import VenueClock
from server.exchange.bitmart.codes import CLOCK, OK, TOO_MANY, refusal, turned_away
from server.exchange.bitmart.endpoints import SYSTEM_TIME, WINDOW_SEC, Endpoint
from server.exchange.bitmart.limits import RateLimits
from server.exchange.bitmart.options import BitmartOptions
from server.exchange.bitmart.signing import sign
from server.exchange.bitmart.wire import VENUE, Envelope, WireError, body, decoding, envelope, row
from server.exchange.errors import VenueUnavailable
from server.exchange.trading import Refused, Unknown

log = structlog.get_logger(__name__)

USER_AGENT = "entrygate"
"""Said explicitly: the venue's CDN turns the defaults of some libraries away."""

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""No connection, so no request."""

_PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})
_LONGEST_RETRY_AFTER_SEC = 5.0


class ReadRefused(VenueUnavailable):
    """The venue answered a read with an error ``code``."""

    def __init__(self, operation: str, code: int, detail: str) -> None:
        super().__init__(VENUE, operation, detail)
        self.code = code


class PassingFailure(VenueUnavailable):
    """A read that may do better in a moment; ``after_sec`` where the venue says when."""

    def __init__(self, operation: str, detail: str, after_sec: float | None = None) -> None:
        super().__init__(VENUE, operation, detail)
        self.after_sec = after_sec


class Session:
    """Open until `aclose`. Reads raise `VenueUnavailable`; writes are sent once and never raise it."""

    def __init__(self, options: BitmartOptions) -> None:
        self._options = options
        self._http = httpx.AsyncClient(
            base_url=options.base_url,
            timeout=options.timeout_sec,
            transport=options.transport,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            follow_redirects=False,
        )
        self._limits = RateLimits(options.rate_factor)
        self.clock = VenueClock(self._server_time, options.wall_sec, options.monotonic_sec)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def read(self, endpoint: Endpoint, parameters: Mapping[str, str | int] | None = None) -> object:
        """The ``data`` of a GET; tried again after failures that pass. Raises `VenueUnavailable`.

        An error answer never looks like an empty list, not even 30000 ("not found"), which a wrong path and,
        by hearsay, a list without rows have in common.
        """
        retries = self._options.retries
        async for attempt in stamina.retry_context(
            on=_backoff,
            attempts=retries.attempts,
            timeout=None,
            wait_initial=retries.first_wait_sec,
            wait_max=retries.longest_wait_sec,
            wait_jitter=retries.jitter_sec,
        ):
            with attempt:
                return await self._read_once(endpoint, parameters or {})
        raise AssertionError("a retry context returns or raises")

    async def write(
        self, endpoint: Endpoint, fields: Mapping[str, str | int]
    ) -> Envelope | Refused | Unknown:
        """Sends a POST, once. A successful answer is an `Envelope`; anything else is what it proves.

        The one exception is an answer that the timestamp is outside the window: that proves that nothing was
        done, so the clock is measured and the request signed anew, one time.
        """
        if not self._options.has_credentials:
            return Refused("not_sent", "there is no API key")
        content = body(fields)
        try:
            await self.clock.ready()
        except VenueUnavailable as error:
            return Refused("not_sent", f"the venue's clock is not known: {error.detail}")
        answer = await self._write_once(endpoint, content)
        if not (isinstance(answer, Refused) and answer.venue_code == str(CLOCK)):
            return answer
        try:
            await self.clock.measure()
        except VenueUnavailable:
            return answer
        return await self._write_once(endpoint, content)

    async def _server_time(self) -> int:
        data = await self._read_once(SYSTEM_TIME, {})
        with decoding(_operation(SYSTEM_TIME)):
            return row(data).whole("server_time")

    async def _read_once(self, endpoint: Endpoint, parameters: Mapping[str, str | int]) -> object:
        operation = _operation(endpoint)
        headers: dict[str, str] = {}
        if endpoint.access == "keyed":
            if not self._options.has_credentials:
                raise VenueUnavailable(VENUE, operation, "there is no API key")
            headers["X-BM-KEY"] = self._options.api_key
        await self._limits.slot(endpoint)
        began = time.perf_counter()
        try:
            response = await self._http.get(endpoint.path, params=dict(parameters), headers=headers)
        except httpx.HTTPError as error:
            _log(endpoint, began, failure=_said(error))
            raise PassingFailure(operation, _said(error)) from error
        self._limits.note(endpoint, response.headers)
        try:
            answer = envelope(response.content)
        except WireError as error:
            _log(endpoint, began, status=response.status_code)
            raise self._unreadable(endpoint, response, error) from error
        _log(endpoint, began, status=response.status_code, code=answer.code, trace=answer.trace)
        if answer.code == OK and response.is_success:
            return answer.data
        detail = f"HTTP {response.status_code}, code {answer.code}: {answer.message}"
        if answer.code in TOO_MANY or response.status_code in _PASSING_STATUSES:
            raise self._passing(endpoint, response, detail)
        raise ReadRefused(operation, answer.code, detail)

    async def _write_once(self, endpoint: Endpoint, content: bytes) -> Envelope | Refused | Unknown:
        await self._limits.slot(endpoint)
        stamp = self.clock.now_ms()  # nothing waits between here and the wire
        headers = {
            "Content-Type": "application/json",
            "X-BM-KEY": self._options.api_key,
            "X-BM-TIMESTAMP": str(stamp),
            "X-BM-SIGN": sign(self._options.secret, self._options.memo, stamp, content),
        }
        began = time.perf_counter()
        try:
            response = await self._http.post(endpoint.path, content=content, headers=headers)
        except _NEVER_LEFT as error:
            _log(endpoint, began, failure=_said(error))
            return Refused("not_sent", _said(error))
        except httpx.HTTPError as error:
            _log(endpoint, began, failure=_said(error))
            return Unknown(_said(error))
        self._limits.note(endpoint, response.headers)
        status = response.status_code
        try:
            answer = envelope(response.content)
        except WireError as error:
            _log(endpoint, began, status=status)
            if status == 429:
                self._limits.pause(endpoint, _announced_sec(response) or WINDOW_SEC)
            return turned_away(status) or Unknown(f"HTTP {status}: {error}")
        _log(endpoint, began, status=status, code=answer.code, trace=answer.trace)
        if answer.code == OK:
            return answer if response.is_success else Unknown(f"HTTP {status} with code {OK}")
        if status == 429 or answer.code in TOO_MANY:
            self._limits.pause(endpoint, _announced_sec(response) or WINDOW_SEC)
            return Refused("not_sent", f"HTTP {status}: {answer.message}", str(answer.code))
        return refusal(status, answer.code, answer.message)

    def _unreadable(self, endpoint: Endpoint, response: httpx.Response, error: WireError) -> VenueUnavailable:
        """An answer without envelope. A page from the CDN (403, 503) wants half a minute: no hurry there."""
        status, operation = response.status_code, _operation(endpoint)
        detail = f"HTTP {status}: {error}"
        page = "html" in response.headers.get("content-type", "")
        if status in _PASSING_STATUSES and not (page and status == 503):
            return self._passing(endpoint, response, detail)
        if response.is_success and not page:
            return PassingFailure(operation, detail)
        return VenueUnavailable(VENUE, operation, detail)

    def _passing(self, endpoint: Endpoint, response: httpx.Response, detail: str) -> PassingFailure:
        after = _announced_sec(response)
        if response.status_code == 429 and after is not None:
            self._limits.pause(endpoint, after)
        return PassingFailure(_operation(endpoint), detail, after)


def _backoff(error: Exception) -> bool | float:
    """Says to stamina whether to try again, and after how many seconds where the venue said so."""
    if not isinstance(error, PassingFailure):
        return False
    return True if error.after_sec is None else error.after_sec


def _announced_sec(response: httpx.Response) -> float | None:
    """How long the venue says to wait; None unless in seconds. At most 5 s are waited within one call."""
    for name in ("Retry-After", "X-BM-RateLimit-Reset") if response.status_code == 429 else ("Retry-After",):
        text = response.headers.get(name, "")
        if text.isascii() and text.isdigit():
            return min(float(text), _LONGEST_RETRY_AFTER_SEC)
    return None


def _operation(endpoint: Endpoint) -> str:
    return endpoint.path.rsplit("/", 1)[-1]


def _said(error: httpx.HTTPError) -> str:
    """The kind and the text of a failure; neither has headers or bodies in it."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _log(endpoint: Endpoint, began: float, **facts: object) -> None:
    log.debug(
        "bitmart.request",
        path=endpoint.path,
        **facts,
        duration_ms=round((time.perf_counter() - began) * 1000, 1),
    )
