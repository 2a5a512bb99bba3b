"""The BitMart venue by hand: ``python -m tests.venues.bitmart_server --help``."""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import get_args

import uvicorn

from .bitmart import DEMO_KEY, BitMart, Clock, Folder, Options, Venue, Waves
from .bitmart.contracts import from_details, shipped
from .bitmart.faults import EFFECTS, FaultKind
from .bitmart.serving import config

HELP = """\
address   {address}
access    {key.access}
secret    {key.secret}
memo      {key.memo}

Drive it (JSON in, JSON out; GET {address}/_control/ lists all of it):
  curl -d '{{"symbol": "BTCUSDT", "bid": "77000.0"}}' {address}/_control/price
  curl -d '{{"kind": "drop_after", "endpoint": "submit-order"}}' {address}/_control/faults
  curl -d '{{"advance": 5000}}' {address}/_control/clock
  curl {address}/_control/state
  curl {address}/_control/journal
"""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.venues.bitmart_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free one by default")
    parser.add_argument("--usdt", type=Decimal, default=Decimal(10_000), help="the account's balance")
    parser.add_argument("--clock", type=int, help="ms UTC where the clock stands still until it is moved")
    parser.add_argument("--details", type=Path, help="JSON list of contracts, as `details` returns them")
    parser.add_argument(
        "--candles",
        type=Path,
        help="folder of <SYMBOL>-<timeframe>.parquet files; their minutes move the market",
    )
    parser.add_argument("--no-limits", action="store_true", help="count requests, but refuse none")
    parser.add_argument("--strict", action="store_true", help="refuse parameters the document lacks")
    parser.add_argument("--seed", type=int, default=1, help="of the random faults")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND=PROBABILITY",
        help="a random fault of any endpoint; repeatable. Kinds: "
        + ", ".join([*sorted(set(get_args(FaultKind)) - EFFECTS), *sorted(EFFECTS)]),
    )
    return parser.parse_args(arguments)


def built(chosen: argparse.Namespace) -> BitMart:
    """The server the options describe; candles of a folder also give its prices."""
    clock = Clock(chosen.clock)
    contracts = from_details(json.loads(chosen.details.read_text())) if chosen.details else shipped()
    source = Folder(chosen.candles) if chosen.candles else Waves()
    if isinstance(source, Folder):
        for contract in contracts.values():
            contract.price = source.price_at(contract, clock.now_ms() // 1000) or contract.price
    choices = Options(follow_candles=isinstance(source, Folder))
    venue = Venue(clock=clock, contracts=contracts, candle_source=source, options=choices)
    server = BitMart(venue=venue, usdt=chosen.usdt, limits=not chosen.no_limits, strict=chosen.strict)
    rates = {kind: float(rate) for kind, _, rate in (fault.partition("=") for fault in chosen.fault)}
    unknown = set(rates) - set(get_args(FaultKind))
    if unknown:
        raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}")
    if rates:
        server.faults.randomly(chosen.seed, rates)
    return server


def main(arguments: Sequence[str]) -> None:
    chosen = options(arguments)
    server = built(chosen)
    listening = socket.create_server(("127.0.0.1", chosen.port))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    print(HELP.format(address=address, key=DEMO_KEY), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config(server)).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1:])
