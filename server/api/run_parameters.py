"""The parameters of a run, and the request they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.candles import TIMEFRAMES
from server.api.parameters import Parameter, choice, flag, instant, line, name, symbols, whole
from server.api.reading import Values
from server.run.request import FieldProblem, RequestProblem, RunRequest
from server.run.resolve import EARLIEST_MS, MARKET_TYPES, MODE_ALIASES, MODES, WORKERS_MAX

MODE_WORDS = (*MODES, *MODE_ALIASES)
MARKET_WORDS = tuple(MARKET_TYPES)
REFUSED_MARKETS = ("spot",)

PROFILE = ("profile", "mtf_profile")
MODE = ("mode", "validation_mode", "context_mode")
"""Names of one thing: the first that is given wins, and the answer warns of the others."""

EXCHANGE = ("exchange", "cex")
MARKET = ("market_type", "type_contract")
"""Names of one thing: where both are given they must agree."""

NOTHING_TO_DO = {
    "force_run": "A run is never refused for its time, so there is nothing to force.",
    "force_timeframe_check": "Every timeframe is decided in every run, so there is nothing to force.",
    "skip_context": "The context gives the side, so it cannot be left out.",
}
"""Parameters that would change nothing, and why; asking for them is a mistake that is told."""

WITH_ORDERS = frozenset({"process_tp_sl", "lock_per_symbol"})
"""Parameters that mean something only where orders may be placed."""

RUN_PARAMETERS: tuple[Parameter, ...] = (
    symbols(
        "symbols",
        "Symbols to run, as an array or one text with commas. Without any: all contracts of "
        "the exchange that the profile selects.",
    ),
    flag(
        "dry_run",
        "Simulate the orders (the default). `false` places them: on `paper` while its clock runs, on a real "
        "venue only where the service is set to be live.",
        existing="orders",
    ),
    name("profile", "Profile to run; the first enabled one by default.", "profiles"),
    name("mtf_profile", "Alias of `profile`, which wins.", "profiles"),
    choice(
        "validation_mode",
        "How the context timeframes decide; as the profile says by default.",
        MODE_WORDS,
    ),
    choice("context_mode", "Alias of `validation_mode`, which wins.", MODE_WORDS),
    choice("mode", "Wins over `validation_mode` and `context_mode`.", MODE_WORDS),
    whole(
        "workers",
        "Shares that the symbols are split into; the answer is the same for every value.",
        1,
        WORKERS_MAX,
        1,
    ),
    name("exchange", "Exchange to run on; the one of the settings by default.", "exchanges"),
    name("cex", "Alias of `exchange`; both must agree.", "exchanges"),
    choice("market_type", "Only perpetual contracts; `spot` is refused.", MARKET_WORDS, REFUSED_MARKETS),
    choice("type_contract", "Alias of `market_type`; both must agree.", MARKET_WORDS, REFUSED_MARKETS),
    instant(
        "as_of",
        "Decide as at this instant: ISO 8601 with its zone, or milliseconds since 1970. Not after "
        "the exchange's clock, which is the default.",
        EARLIEST_MS,
        "instants",
    ),
    flag(
        "sync_tables",
        "Ask the venue what is open (the default). `false`: go by what is stored, which a run with orders "
        "only does while it is fresh.",
    ),
    flag(
        "skip_open_state_filter",
        "Look at symbols that have an open position or order, too; the guards still place no second entry.",
    ),
    flag(
        "lock_per_symbol",
        "With orders: lock each symbol against other runs of the profile, instead of the whole run.",
    ),
    flag(
        "process_tp_sl",
        "With orders, in every third minute: first move stop and target of open positions to their real "
        "entries (the default), where a position has exactly one target.",
    ),
    choice("current_tf", "Detail only this timeframe in the answer; all are decided.", TIMEFRAMES),
    line("user_id", "Who the caller says they are: kept with the run, beside who they are known as.", 128),
    line("ip_address", "Where the caller says they are: kept with the run, beside where they are.", 64),
    *(
        flag(name, f"{what} Only `false`, which older callers send, is taken.", possible=(False,))
        for name, what in NOTHING_TO_DO.items()
    ),
    flag("verbose", "Add the facts and the outcome of every condition to each timeframe."),
)

DRY_PARAMETERS: tuple[Parameter, ...] = tuple(
    flag("dry_run", "Only `true`, the default: a GET places no orders.", possible=(True,))
    if parameter.name == "dry_run"
    else parameter
    for parameter in RUN_PARAMETERS
    if parameter.name not in WITH_ORDERS
)
"""Those of a run that places no orders."""


def run_request(values: Values, actor: str, *, may_trade: bool = False) -> RunRequest:
    """The request of values that were read; ``may_trade``: whether the actor may place orders.

    Raises `RequestProblem` where two aliases contradict, and for what would do nothing.
    """
    problems = [
        problem for names in (EXCHANGE, MARKET) if (problem := _contradiction(values, names)) is not None
    ]
    problems += [
        FieldProblem(name, f"{why} Leave it out, or false", "impossible", choices=("false",))
        for name, why in NOTHING_TO_DO.items()
        if values.get(name, False)
    ]
    if problems:
        raise RequestProblem(problems)
    warnings: list[str] = []
    passed_over = "profile" in values and "mtf_profile" in values
    return RunRequest(
        actor=actor,
        passed_over_profile=values["mtf_profile"] if passed_over else None,
        symbols=values.get("symbols", ()),
        profile=_winner(values, PROFILE, warnings),
        mode=_winner(values, MODE, warnings),
        workers=values.get("workers", 1),
        exchange=_winner(values, EXCHANGE, warnings),
        market_type=_winner(values, MARKET, warnings) or "perpetual",
        as_of_ms=values.get("as_of"),
        dry_run=values.get("dry_run", True),
        may_trade=may_trade,
        sync_tables=values.get("sync_tables", True),
        skip_open_state_filter=values.get("skip_open_state_filter", False),
        lock_per_symbol=values.get("lock_per_symbol", False),
        process_tp_sl=values.get("process_tp_sl", True),
        current_tf=values.get("current_tf"),
        user_id=values.get("user_id"),
        ip_address=values.get("ip_address"),
        verbose=values.get("verbose", False),
        warnings=tuple(warnings),
    )


def as_spelled(problem: RequestProblem, values: Mapping[str, Any]) -> RequestProblem:
    """The problem under the names that the caller used."""
    names = {group[0]: group for group in (PROFILE, EXCHANGE, MARKET)} | {"validation_mode": MODE}
    return RequestProblem(
        [
            FieldProblem(
                next((n for n in names.get(p.field, ()) if n in values), p.field),
                p.message,
                p.kind,
                p.did_you_mean,
                p.choices,
            )
            for p in problem.problems
        ]
    )


def _winner(values: Values, names: Sequence[str], warnings: list[str]) -> Any:
    """The value of the first name that was given; another value under a later name gets a warning."""
    given = [name for name in names if name in values]
    for loser in given[1:]:
        if values[loser] != values[given[0]]:
            warnings.append(
                f"{loser} {values[loser]!r} is not used: {given[0]} {values[given[0]]!r} wins over it"
            )
    return values[given[0]] if given else None


def _contradiction(values: Values, names: tuple[str, str]) -> FieldProblem | None:
    first, alias = names
    if first not in values or alias not in values:
        return None
    same = MARKET_TYPES if names == MARKET else {}
    one, other = (same.get(values[n].lower(), values[n].lower()) for n in names)
    if one == other:
        return None
    return FieldProblem(alias, f"{alias} {values[alias]!r} contradicts {first} {values[first]!r}")
