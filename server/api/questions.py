"""What an operator asks: why there was no order, what decisions add up to, what each timeframe said."""

from __future__ import annotations

from typing import Any

from engine.candles import TIMEFRAMES
from engine.ruleset import Ruleset
from server.api.endpoint import Endpoint
from server.api.history import PAGE_PARAMETERS, PAGE_SIZE, STATUSES, rules_of
from server.api.parameters import Parameter, choice, instant, name, whole
from server.api.problems import AnyRequest
from server.api.question_shapes import AuditRows, QueueState, RunSymbolPage, Statistics, WhyAnswer
from server.api.reading import Values
from server.api.venues import EXCHANGE, exchange_of, trading_of
from server.journal import RunFilter
from server.overview.audit import AuditFilter, audit
from server.overview.pending import become
from server.overview.periods import TooMuch, period_of
from server.overview.queue import queue_state
from server.overview.run_symbols import SymbolFilter, run_symbols
from server.overview.statistics import statistics
from server.overview.why import why
from server.run.request import FieldProblem, RequestProblem
from server.service import Service

NEAREST = 5


async def answer_why(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    wanted = await _period(service, _runs(service, values))
    symbol, nearest = values["symbol"].upper(), values.get("nearest", NEAREST)
    return await why(service.journal, service.orders, rules_of, symbol, wanted, nearest)


async def answer_statistics(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    symbol = values.get("symbol")
    wanted = await _period(service, _runs(service, values))
    return await statistics(service.journal, rules_of, None if symbol is None else symbol.upper(), wanted)


async def answer_audit(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    symbol, rule, reason = values.get("symbol"), values.get("rule"), values.get("reason")
    ruleset, _ = await service.rules.now()
    if reason is not None and reason not in signal_reasons(ruleset):
        problem = FieldProblem.unknown(
            "reason", "no timeframe has the reason", reason, signal_reasons(ruleset)
        )
        raise RequestProblem([problem])
    wanted = AuditFilter(
        symbol=None if symbol is None else symbol.upper(),
        timeframe=values.get("timeframe"),
        phase=values.get("phase"),
        reason=reason,
        rule=rule,
        run_id=values.get("run_id"),
    )
    runs = _runs(service, values)
    if wanted.run_id is None:
        runs = await _period(service, runs)
    found = await audit(
        service.journal,
        rules_of,
        wanted,
        runs,
        values.get("page", 1),
        values.get("page_size", PAGE_SIZE),
    )
    known = {*conditions(ruleset), *found.known_rules}
    if rule is not None and rule not in known:
        problem = FieldProblem.unknown("rule", "there is no condition", rule, sorted(known))
        raise RequestProblem([problem])
    return found.to_json()


async def symbols_of_run(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    symbol, status = values.get("symbol"), values.get("status")
    wanted = SymbolFilter(
        symbol=None if symbol is None else symbol.upper(),
        status=None if status is None else STATUSES[status],
        reason=values.get("reason"),
    )
    page, page_size = values.get("page", 1), values.get("page_size", PAGE_SIZE)
    found = await run_symbols(service.journal, rules_of, values["run_id"], wanted, page, page_size)
    answer = found.to_json(lambda item: item)
    await become(answer["items"], service.orders)
    return answer


async def answer_queue(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    return await queue_state(
        trading_of(service).durable,
        service.orders,
        service.switches,
        page=values.get("page", 1),
        page_size=values.get("page_size", PAGE_SIZE),
    )


def signal_reasons(ruleset: Ruleset) -> list[str]:
    """Reasons that the signal gate gives a timeframe."""
    gate = ruleset.gates["signal"]
    return sorted({gate.reason or check.reason for check in gate.checks})


def conditions(ruleset: Ruleset) -> list[str]:
    """Conditions that a profile in force asks, as decisions name them."""
    rules = [profile.rules for profile in ruleset.profiles.values()]
    return sorted({label for one in rules for program in one.timeframes.values() for label in program.labels})


def _runs(service: Service, values: Values) -> RunFilter:
    return RunFilter(
        profile=values.get("profile"),
        exchange=None if "exchange" not in values else exchange_of(service, values),
        from_ms=values.get("from"),
        to_ms=values.get("to"),
    )


async def _period(service: Service, wanted: RunFilter) -> RunFilter:
    try:
        return await period_of(service.journal, wanted)
    except TooMuch as error:
        raise RequestProblem([FieldProblem("from", str(error), "impossible")]) from error


_SYMBOL = name("symbol", "Only this symbol.")
_PROFILE = name("profile", "Only runs of this profile.")
_PERIOD: tuple[Parameter, ...] = (
    instant("from", "As of this instant or later. Without it: a day before the end."),
    instant("to", "As of an instant before this one. Without it: up to the newest run."),
)

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/why",
        name="why",
        tag="questions",
        summary="Why there was no order for a symbol in a period",
        description="What every run said in turn, which conditions stood in the way, how near it came, what "
        "trade entry made of it, and the orders there were.",
        needs="read",
        handler=answer_why,
        answers={200: WhyAnswer},
        parameters=(
            name("symbol", "The symbol.", required=True),
            _PROFILE,
            EXCHANGE,
            *_PERIOD,
            whole("nearest", "So many near misses.", 0, 100, NEAREST),
        ),
        problems=(400, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/stats",
        name="statistics",
        tag="questions",
        summary="Decisions of a period by reason, by timeframe and by rule",
        needs="read",
        handler=answer_statistics,
        answers={200: Statistics},
        parameters=(_PROFILE, EXCHANGE, _SYMBOL, *_PERIOD),
        problems=(400, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/audit",
        name="audit",
        tag="questions",
        summary="What each timeframe said, newest first",
        description="One row per run, symbol, timeframe and phase, derived from what was stored with it. "
        "What operators did is under `GET /api/actions`.",
        needs="read",
        handler=answer_audit,
        answers={200: AuditRows},
        parameters=(
            _PROFILE,
            EXCHANGE,
            _SYMBOL,
            choice("timeframe", "Only this timeframe.", TIMEFRAMES),
            choice("phase", "Only this phase.", ("context", "execution")),
            name("reason", "Only timeframes that were invalid for this reason.", "reasons"),
            name("rule", "Only where this condition failed, or was unknown.", "conditions"),
            name("run_id", "Only this run, whenever it was."),
            *_PERIOD,
            *PAGE_PARAMETERS,
        ),
        problems=(400, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{run_id}/symbols",
        name="run_symbols",
        tag="history",
        summary="The symbols of a run, with what every timeframe said",
        needs="read",
        handler=symbols_of_run,
        answers={200: RunSymbolPage},
        parameters=(
            _SYMBOL,
            choice("status", "Only this status.", tuple(STATUSES)),
            name("reason", "Only this reason: of the symbol, or of its trade entry."),
            *PAGE_PARAMETERS,
        ),
        places={"run_id": "Id of a run."},
        problems=(400, 404, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/queue",
        name="queue_state",
        tag="questions",
        summary="What waits to be carried out and since when, what failed, and the symbols of the next run",
        needs="read",
        handler=answer_queue,
        answers={200: QueueState},
        parameters=PAGE_PARAMETERS,
        problems=(400, 503),
    ),
)
