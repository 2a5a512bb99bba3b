"""What an answer, or the want of one, proves about a write; over scripted answers and over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from scripted_wire import NOW_MS, Clocks, Wire, error, ok, options
from test_bitmart_wire import entry

from server.exchange.bitmart import BitmartExchange
from server.exchange.bitmart.codes import PROOFS, refusal
from server.exchange.trading import Accepted, Outcome, Refused, Unknown

HTML = {"content-type": "text/html"}


def said(outcome: Outcome) -> str:
    return outcome.cause if isinstance(outcome, Refused) else type(outcome).__name__


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (ok({"order_id": 5}), "Accepted"),
        (ok({"order_id": "5"}), "Accepted"),
        (ok({}), "Accepted"),
        (ok(None), "Accepted"),
        # No connection: it never left.
        (httpx.ConnectError("refused"), "not_sent"),
        (httpx.ConnectTimeout("slow"), "not_sent"),
        (httpx.PoolTimeout("busy"), "not_sent"),
        # It left, and nobody knows.
        (httpx.ReadTimeout("slow"), "Unknown"),
        (httpx.WriteTimeout("slow"), "Unknown"),
        (httpx.WriteError("broken"), "Unknown"),
        (httpx.ReadError("reset"), "Unknown"),
        (httpx.RemoteProtocolError("cut"), "Unknown"),
        (httpx.DecodingError("gzip"), "Unknown"),
        (httpx.Response(200, content=b'{"code": 1000, "da'), "Unknown"),
        (httpx.Response(200, content=b""), "Unknown"),
        (httpx.Response(200, content=b"<html>", headers=HTML), "Unknown"),
        (httpx.Response(403, content=b"error code: 1010", headers=HTML), "Unknown"),
        (httpx.Response(302, headers={"location": "/elsewhere"}), "Unknown"),
        (httpx.Response(502, content=b"<html>bad gateway", headers=HTML), "Unknown"),
        (httpx.Response(500, json={"code": 1000, "data": {"order_id": 5}}), "Unknown"),
        (httpx.Response(400, json={"code": 1000, "data": {"order_id": 5}}), "Unknown"),
        (error(30014, 503), "Unknown"),
        (error(30014, 200), "Unknown"),
        (error(40012, 500), "Unknown"),
        (error(40027, 500), "Unknown"),
        (error(12345, 400), "Unknown"),
        (error(25601, 200), "Unknown"),
        # Turned away before it was looked at.
        (error(30013, 429), "not_sent"),
        (error(30013, 200), "not_sent"),
        (error(40013, 400), "not_sent"),
        (httpx.Response(429, content=b"slow down"), "not_sent"),
        (error(30016, 200), "not_sent"),
        (error(30017, 418), "not_permitted"),
        (httpx.Response(418, content=b"<html>", headers=HTML), "not_permitted"),
        (error(30018, 503), "other"),
        # Proven refused.
        (error(40012, 400), "leverage"),
        (error(40050, 403), "duplicate_client_order_id"),
        (error(42000, 200), "insufficient_margin"),
        (error(40999, 400), "other"),
    ],
    ids=str,
)
async def test_one_answer_one_outcome(venue: BitmartExchange, wire: Wire, answer: Any, outcome: str) -> None:
    wire.answers["submit-order"] = answer
    assert said(await venue.submit(entry())) == outcome
    assert len(wire.sent("submit-order")) == 1


def test_every_documented_code_has_a_proof(market_data: Path) -> None:
    documented = json.loads((market_data / "bitmart" / "doc-examples" / "error-codes.json").read_bytes())
    codes = {entry["code"] for entry in documented} - {1000}
    assert codes <= set(PROOFS)
    assert set(PROOFS) - codes == {40059, 49998}  # of other sources


@pytest.mark.parametrize(
    ("cause", "codes"),
    [
        ("duplicate_client_order_id", [40050]),
        ("no_such_order", [40035, 40036, 40037]),
        ("insufficient_margin", [40027, 42000]),
        ("leverage", [40012, 40029, 40030, 40040]),
        ("invalid_price", [40031, 40043]),
        ("invalid_size", [40020, 40044]),
        ("symbol_unavailable", [40014, 40015, 40034]),
        ("no_position", [40018, 40021]),
        ("not_sent", [30007, 30013, 30016, 40013]),
        (
            "not_permitted",
            [*range(30001, 30007), 30008, 30010, 30011, 30012, 30017, 30019, 40001, 40006, 40046, 40047],
        ),
        ("unknown", [30014]),
    ],
)
def test_the_codes_of_each_cause(cause: str, codes: list[int]) -> None:
    assert sorted(code for code, proof in PROOFS.items() if proof == cause) == codes
    for code in codes:
        outcome = refusal(400, code, "its words")
        if cause == "unknown":
            assert isinstance(outcome, Unknown)
        else:
            assert outcome == Refused(cause, "its words", str(code))  # type: ignore[arg-type]


@pytest.mark.parametrize("code", sorted(PROOFS))
def test_a_5xx_proves_nothing_unless_it_was_never_looked_at(code: int) -> None:
    never_looked_at = {30013, 40013, 30018}
    assert isinstance(refusal(500, code, "no"), Refused if code in never_looked_at else Unknown)


async def test_a_clock_refusal_is_measured_and_signed_anew_once(
    venue: BitmartExchange, wire: Wire, clocks: Clocks
) -> None:
    wire.answers["time"] = ok({"server_time": NOW_MS + 90_000})
    wire.answers["submit-order"] = [error(30007, 401), ok({"order_id": 9})]
    assert await venue.submit(entry()) == Accepted("9")
    first, second = wire.sent("submit-order")
    assert first.content == second.content
    assert int(second.headers["X-BM-TIMESTAMP"]) - int(first.headers["X-BM-TIMESTAMP"]) == 90_000
    assert first.headers["X-BM-SIGN"] != second.headers["X-BM-SIGN"]
    wire.answers["submit-order"] = error(30007, 401)
    wire.requests.clear()
    assert said(await venue.submit(entry())) == "not_sent"
    assert len(wire.sent("submit-order")) == 2


async def test_without_the_venues_clock_nothing_is_sent(wire: Wire, clocks: Clocks) -> None:
    wire.answers["time"] = httpx.ConnectError("refused")
    venue = BitmartExchange(options(wire, clocks))
    assert said(await venue.submit(entry())) == "not_sent"
    assert not wire.sent("submit-order")
    await venue.aclose()


async def test_an_account_in_one_way_mode_is_refused(wire: Wire, clocks: Clocks) -> None:
    from server.exchange.errors import VenueUnavailable

    wire.answers["get-position-mode"] = ok({"position_mode": "one_way_mode"})
    venue = BitmartExchange(options(wire, clocks))
    with pytest.raises(VenueUnavailable, match="one-way"):
        await venue.open()
    assert "one-way" in (venue.orders_obstacle() or "")
    assert said(await venue.submit(entry())) == "not_permitted"
    with pytest.raises(VenueUnavailable, match="one-way"):
        await venue.positions()
    assert not wire.sent("submit-order") and not wire.sent("position-v2")
    # Set right by its owner, it is found out within minutes.
    wire.answers["get-position-mode"] = ok({"position_mode": "hedge_mode"})
    wire.answers["submit-order"] = ok({"order_id": 1})
    clocks.pass_(301)
    assert said(await venue.submit(entry())) == "Accepted"
    assert venue.orders_obstacle() is None
    await venue.aclose()


async def test_an_account_whose_mode_is_not_known_gets_no_orders(wire: Wire, clocks: Clocks) -> None:
    wire.answers["get-position-mode"] = error(30014, 503)
    venue = BitmartExchange(options(wire, clocks))
    assert said(await venue.submit(entry())) == "not_sent"
    assert "not been read" in (venue.orders_obstacle() or "")
    assert not wire.sent("submit-order")
    await venue.aclose()


async def test_a_mode_once_known_does_not_stand_in_the_way(
    venue: BitmartExchange, wire: Wire, clocks: Clocks
) -> None:
    wire.answers["get-position-mode"] = error(30014, 503)
    wire.answers["submit-order"] = ok({"order_id": 1})
    clocks.pass_(301)
    assert said(await venue.submit(entry())) == "Accepted"


async def test_without_a_key_nothing_is_sent(wire: Wire, clocks: Clocks) -> None:
    venue = BitmartExchange(options(wire, clocks, api_key="", secret="", memo=""))
    await venue.open()
    wire.requests.clear()
    assert "API key" in (venue.orders_obstacle() or "")
    assert said(await venue.submit(entry())) == "not_permitted"
    assert not wire.requests
    await venue.aclose()


Serve = Callable[[bytes, asyncio.StreamWriter], None]


@asynccontextmanager
async def served(serve: Serve) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A real server that hands each whole request to ``serve`` and then cuts the connection."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1]) for line in head.lower().splitlines() if b"content-length" in line
        ]
        content = await reader.readexactly(lengths[0]) if lengths else b""
        heard.append(head.split(b"\r\n")[0])
        serve(head + content, writer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


def http(body: bytes, length: int | None = None) -> bytes:
    said = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) if length is None else length}\r\n"
    return f"{said}Connection: close\r\n\r\n".encode() + body


def preliminaries(request: bytes) -> bytes | None:
    """Answers of what precedes an order."""
    data: dict[str, Any] | None = None
    if request.startswith(b"GET /system/time"):
        data = {"server_time": NOW_MS}
    elif b"get-position-mode" in request.split(b"\r\n")[0]:
        data = {"position_mode": "hedge_mode"}
    return None if data is None else http(json.dumps({"code": 1000, "data": data}).encode())


TAKEN = b'{"code": 1000, "message": "Ok", "data": {"order_id": 1}}'


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (http(TAKEN), "Accepted"),
        (b"", "Unknown"),  # the order was taken, and the answer lost
        (http(TAKEN, len(TAKEN) + 1), "Unknown"),  # cut in the body
        (http(TAKEN[:30]), "Unknown"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "Unknown"),
        (b"\x00\x01 no HTTP at all\r\n\r\n", "Unknown"),
    ],
    ids=["whole", "nothing", "cut body", "cut JSON", "cut head", "no HTTP"],
)
async def test_over_a_real_socket(wire: Wire, clocks: Clocks, reply: bytes, outcome: str) -> None:
    def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(preliminaries(request) or reply)

    async with served(serve) as (url, heard):
        venue = BitmartExchange(
            options(wire, clocks, base_url=url, transport=httpx.AsyncHTTPTransport(), timeout_sec=2.0)
        )
        await venue.open()
        assert said(await venue.submit(entry())) == outcome
        await venue.aclose()
    assert [line for line in heard if b"submit-order" in line] == [
        b"POST /contract/private/submit-order HTTP/1.1"
    ]


async def test_a_silent_venue_is_unknown_after_the_timeout(wire: Wire, clocks: Clocks) -> None:
    hold = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        answer = preliminaries(request)
        if answer is None:
            await hold.wait()
        writer.write(answer or b"")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    venue = BitmartExchange(
        options(wire, clocks, base_url=url, transport=httpx.AsyncHTTPTransport(), timeout_sec=0.2)
    )
    await venue.open()
    assert said(await venue.submit(entry())) == "Unknown"
    hold.set()
    await venue.aclose()
    server.close()
    await server.wait_closed()
    # Now nobody listens: the connection is refused, so the order never left.
    venue = BitmartExchange(options(wire, clocks, base_url=url, transport=_after_open(wire, url)))
    await venue.open()
    assert said(await venue.submit(entry())) == "not_sent"
    await venue.aclose()


def _after_open(wire: Wire, url: str) -> httpx.AsyncBaseTransport:
    """Scripted for what precedes an order, real for the order itself."""
    real, scripted = httpx.AsyncHTTPTransport(), httpx.MockTransport(wire)

    class Both(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            chosen = real if request.method == "POST" else scripted
            return await chosen.handle_async_request(request)

        async def aclose(self) -> None:
            await real.aclose()

    return Both()
