"""A whole run of 200 symbols, from candles in memory to the encoded answer, by stage.

The symbols are the bundled recordings under other names and slightly other prices, written to a folder that
the paper venue reads: everything is the real thing, the journal too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

import server.bundled
from bench.folder import RULES, profile
from bench.peer import indicators_alone
from bench.table import Row, Tell, span
from server.api.encoding import encode
from server.run import RunRequest
from server.run.result import RunResult
from server.service import service
from server.settings import Settings

SYMBOLS = 200
AT_MS = 1_748_850_360_000  # 2025-06-02 07:46 UTC: a Monday, so 5m reaches back to the week before
MINUTE_MS = 60_000
ROUNDS = 7
Stages = dict[str, float]
BUNDLE = Path(server.bundled.__file__).parent


def run(tell: Tell) -> list[Row]:
    """Shortest of several rounds, each five minutes later, so that every candle is new; and of repeats."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tell(f"writing the candles of {SYMBOLS} symbols")
        symbols = market(folder / "candles")
        fresh, reused, alone = asyncio.run(_measure(settings_of(folder), symbols, tell))
    rows = _rows("every candle new", fresh, 0.200)
    rows += _rows("facts reused", reused, 0.030)
    ratio = min(map(counted, fresh)) / alone
    return [*rows, Row("TA-Lib alone on the same candles", f"{span(alone)}; every candle new {ratio:,.1f} ×")]


def settings_of(folder: Path) -> Settings:
    """A service of the shipped rules on the candles in ``folder``, with a database there."""
    return Settings(
        rules_dir=RULES,
        database_url=f"sqlite:///{folder / 'bench.db'}",
        market_data=folder / "candles",
    )


def market(folder: Path) -> tuple[str, ...]:
    """200 one-minute recordings and their contract specifications; gives the symbols."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    files = sorted((BUNDLE / "candles").glob("*-1m.parquet"))
    document = json.loads((BUNDLE / "contracts.json").read_text())
    specified = {contract["symbol"]: contract for contract in document["contracts"]}
    contracts: list[dict[str, object]] = []
    for index in range(SYMBOLS):
        source = files[index % len(files)]
        symbol = f"B{index:03d}{source.name.split('-')[0]}"
        table = pq.read_table(source)
        factor = 1.0 + index / 10_000
        columns = {name: table[name].to_numpy() for name in table.column_names}
        for name in ("open", "high", "low", "close"):
            columns[name] = columns[name] * factor
        columns["volume"] = columns["volume"] * rng.uniform(0.9, 1.1, len(table))
        pq.write_table(pa.table(columns), folder / f"{symbol}-1m.parquet", compression="none")
        contracts.append(specified[source.name.split("-")[0]] | {"symbol": symbol})
    (folder / "contracts.json").write_text(json.dumps({**document, "contracts": contracts}))
    return tuple(str(contract["symbol"]) for contract in contracts)


async def _measure(
    settings: Settings, symbols: tuple[str, ...], tell: Tell
) -> tuple[list[Stages], list[Stages], float]:
    fresh: list[Stages] = []
    reused: list[Stages] = []
    async with service(settings) as open_service:
        runner = open_service.runner
        for round_ in range(ROUNDS + 1):
            tell(f"round {round_} of {ROUNDS}")
            # Five minutes apart, so that both timeframes have a new candle; the first round reads the files.
            at = AT_MS + round_ * 5 * MINUTE_MS
            request = RunRequest(symbols=symbols, as_of_ms=at, actor="bench")
            result = await runner.run(request)
            stages = stages_of(result)
            if round_:
                fresh.append(stages)
            reused.append(stages_of(await runner.run(request)))
        alone = await indicators_alone(open_service.venues["paper"], [profile().rules], symbols, at)
    return fresh, reused, alone


def stages_of(result: RunResult) -> Stages:
    """Seconds of each stage of a run, and of its answer from values to bytes."""
    start = perf_counter()
    answer = result.to_json()
    body = encode(answer)
    seconds = perf_counter() - start
    performance = answer["data"]["performance"]["by_operation"]
    stages = {name.split("::")[-1]: float(found["total"]) for name, found in performance.items()}
    if len(body) < SYMBOLS * 200 or len(answer["data"]["symbols"]) != SYMBOLS:
        raise RuntimeError("the answer does not have every symbol")
    return {**stages, "answer": seconds}


OUTSIDE = {"resolve_symbols", "fetch_candles", "journal"}
"""Stages before the candles are in memory, or after the answer stands; shown, and not part of the total."""


def counted(stages: Stages) -> float:
    """From candles in memory to the answer, in seconds."""
    return sum(seconds for name, seconds in stages.items() if name not in OUTSIDE)


def _rows(what: str, rounds: list[Stages], hold: float) -> list[Row]:
    best = min(rounds, key=counted)
    total = counted(best)
    rows = [Row(f"{what}: to answers with reasons", span(total), f"< {span(hold)}", total < hold)]
    return rows + [Row(f"    {name}", span(seconds)) for name, seconds in best.items()]
