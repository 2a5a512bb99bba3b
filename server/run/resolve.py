"""The first stage: every name and bound of a request is checked, then the symbols are found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from engine.candles import TIMEFRAMES, Timeframe
from engine.models.validation import Mode
from engine.ruleset import Profile, Ruleset
from server.exchange.errors import ExchangeError
from server.exchange.port import Exchange, Listing
from server.instants import iso, machine_ms
from server.market.contracts import ContractBook, Listed
from server.run.judged import Excluded
from server.run.request import FieldProblem, RequestProblem, RunRequest, RunUnavailable

MarketType = Literal["perpetual"]

MODES: tuple[str, ...] = get_args(Mode)
MODE_ALIASES: dict[str, str] = {"ultra-pragmatig": "pragmatic"}
"""Spelled as older callers send it."""

MARKET_TYPES: dict[str, MarketType] = dict.fromkeys(("perpetual", "perp", "future", "futures"), "perpetual")

SIMULATED = "paper"
"""The venue whose orders cost nothing: it needs no permission to trade live."""

WORKERS_MAX = 16
"""Most shares that the symbols of a run are split into."""

EARLIEST_MS = 946_684_800_000
"""2000-01-01: an instant before it is most likely given in seconds."""

MS_PER_MINUTE = 60_000

_SYMBOL = re.compile(r"[A-Z0-9_]{2,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A request in which every name has become the thing it names; ``symbols`` in the order they are run.

    ``listings`` are all that the venue has; ``selects``: the profile selects the symbols among them, which is
    not done yet. ``present``: orders could be placed on the instant it decides at; otherwise it is about the
    past, of which switches, locks and what is open say nothing. ``timeframes_off``: symbol and timeframe of
    each switch that is off. ``declared`` is what the caller says of themselves.
    """

    ruleset: Ruleset
    profile: Profile
    mode: Mode
    venue: Exchange
    market_type: MarketType
    as_of_ms: int
    present: bool
    symbols: tuple[str, ...]
    listings: Mapping[str, Listing]
    selects: bool
    workers: int
    dry_run: bool
    sync_tables: bool
    skip_open_state_filter: bool
    lock_per_symbol: bool
    process_tp_sl: bool
    current_tf: Timeframe | None
    declared: Mapping[str, str]
    verbose: bool
    actor: str
    warnings: tuple[str, ...]
    excluded: tuple[Excluded, ...] = ()
    timeframes_off: frozenset[tuple[str, str]] = frozenset()


async def resolve(
    request: RunRequest,
    ruleset: Ruleset,
    venues: Mapping[str, Exchange],
    default_exchange: str,
    live: bool | None,
    contracts: ContractBook,
) -> Resolved:
    """``live``: whether orders may leave for a real venue; None where none are placed at all.

    Raises `RequestProblem` with all that is wrong, `RunUnavailable` if the venue does not answer: about its
    contracts, a dry run goes by what is stored of them.
    """
    problems: list[FieldProblem] = []
    profile = _profile(request, ruleset, problems)
    mode = _mode(request, profile, problems)
    venue = _venue(request, venues, default_exchange, problems)
    market_type = _market_type(request, problems)
    timeframe = _timeframe(request, problems)
    symbols = normalised(request.symbols)
    problems += [
        FieldProblem("symbols", f"{symbol!r} is not a symbol (letters, digits and _)")
        for symbol in symbols
        if not _SYMBOL.fullmatch(symbol)
    ]
    if not 1 <= request.workers <= WORKERS_MAX:
        problems.append(FieldProblem("workers", f"expected 1 to {WORKERS_MAX}, not {request.workers}"))
    if not request.dry_run and venue is not None:
        problems += [
            FieldProblem("dry_run", obstacle, "impossible", choices=("true",))
            for obstacle in (_no_orders(request, venue, live),)
            if obstacle is not None
        ]
    if profile is None or mode is None or venue is None or market_type is None or problems:
        raise RequestProblem(problems)
    try:
        now_ms = await venue.now_ms()
        listed = await contracts.read(venue, ruleset.service.contracts)
    except ExchangeError as error:
        raise RunUnavailable(str(error)) from error
    if not listed.current and not request.dry_run:
        raise RunUnavailable(f"orders need to know what {venue.name} lists: {_as_stored(listed)}")
    listings = listed.listings
    as_of_ms = _as_of(request, venue, now_ms, problems)
    longest_ms = profile.trade_entry.execution.signal_ttl_sec * 1000
    present = now_ms - as_of_ms <= longest_ms
    if not request.dry_run and not present:
        message = f"orders are placed on the present, and {venue.name} says it is {iso(now_ms)}"
        problems.append(FieldProblem("as_of", message, "impossible"))
    problems += [
        FieldProblem.unknown("symbols", f"{venue.name} has no symbol", symbol, listings)
        for symbol in symbols
        if symbol not in listings
    ]
    if problems:
        raise RequestProblem(problems)
    warnings = [*request.warnings, *_idle(request, profile, timeframe)]
    if not listed.current:
        warnings.append(_as_stored(listed))
    return Resolved(
        ruleset=ruleset,
        profile=profile,
        mode=mode,
        venue=venue,
        market_type=market_type,
        as_of_ms=as_of_ms,
        present=present,
        symbols=symbols,
        listings=listings,
        selects=not symbols,
        workers=request.workers,
        dry_run=request.dry_run,
        sync_tables=request.sync_tables,
        skip_open_state_filter=request.skip_open_state_filter,
        lock_per_symbol=request.lock_per_symbol and not request.dry_run,
        process_tp_sl=request.process_tp_sl and not request.dry_run,
        current_tf=timeframe,
        declared={
            name: value
            for name, value in (("user_id", request.user_id), ("ip_address", request.ip_address))
            if value is not None
        },
        verbose=request.verbose,
        actor=request.actor,
        warnings=tuple(warnings),
    )


def normalised(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Trimmed, in capitals, without blanks and duplicates, in the order given."""
    trimmed = (symbol.strip() for symbol in symbols)
    # Capitals of other alphabets may be plain letters: "ß" would become "SS" and name another symbol.
    return tuple(dict.fromkeys(name.upper() if name.isascii() else name for name in trimmed if name))


def _profile(request: RunRequest, ruleset: Ruleset, problems: list[FieldProblem]) -> Profile | None:
    name = ruleset.default_profile if request.profile is None else request.profile.strip()
    profile = ruleset.profiles.get(name)
    if profile is None:
        problems.append(FieldProblem.unknown("profile", "there is no profile", name, ruleset.profiles))
    other = request.passed_over_profile
    if other is not None and other.strip() not in ruleset.profiles:
        problems.append(FieldProblem.unknown("mtf_profile", "there is no profile", other, ruleset.profiles))
    return profile


def _mode(request: RunRequest, profile: Profile | None, problems: list[FieldProblem]) -> Mode | None:
    if request.mode is None:
        return None if profile is None else profile.validation.mode
    name = request.mode.strip().lower()
    for mode in get_args(Mode):
        if MODE_ALIASES.get(name, name) == mode:
            return mode
    problems.append(
        FieldProblem.unknown("validation_mode", "there is no validation mode", request.mode, MODES)
    )
    return None


def _timeframe(request: RunRequest, problems: list[FieldProblem]) -> Timeframe | None:
    if request.current_tf is None:
        return None
    name = request.current_tf.strip().lower()
    found: Timeframe | None = None
    for timeframe in TIMEFRAMES:
        if timeframe == name:
            found = timeframe
    if found is None:
        problems.append(
            FieldProblem.unknown("current_tf", "there is no timeframe", request.current_tf, TIMEFRAMES)
        )
    return found


def _idle(request: RunRequest, profile: Profile, timeframe: Timeframe | None) -> Iterator[str]:
    """What was asked for and has nothing to work on."""
    decided = (*profile.validation.context_timeframes, *profile.validation.execution_timeframes)
    if timeframe is not None and timeframe not in decided:
        yield f"current_tf {timeframe} is none of the timeframes that '{profile.name}' decides on"
    if request.lock_per_symbol and request.dry_run:
        yield "lock_per_symbol does nothing in a dry run, which takes no locks"


def _venue(
    request: RunRequest, venues: Mapping[str, Exchange], default: str, problems: list[FieldProblem]
) -> Exchange | None:
    name = default if request.exchange is None else request.exchange.strip().lower()
    venue = venues.get(name)
    if venue is None:
        problems.append(FieldProblem.unknown("exchange", "there is no exchange", name, venues))
    return venue


def _no_orders(request: RunRequest, venue: Exchange, live: bool | None) -> str | None:
    """Why this request may not have orders placed; None where it may."""
    if live is None:
        return "this was opened to look only: orders are placed by serve, by worker and by run --live"
    if not request.may_trade:
        return "orders need a key with the role trade"
    if venue.name != SIMULATED and not live:
        return f"orders for {venue.name} need ENTRYGATE_LIVE=1"
    return venue.orders_obstacle()


def _market_type(request: RunRequest, problems: list[FieldProblem]) -> MarketType | None:
    name = request.market_type.strip().lower()
    found = MARKET_TYPES.get(name)
    if found is None:
        problem = FieldProblem.unknown("market_type", "there is no market type", name, MARKET_TYPES)
        if name == "spot":
            problem = FieldProblem(
                "market_type",
                "spot is not supported, only perpetual is",
                "impossible",
                choices=("perpetual",),
            )
        problems.append(problem)
    return found


def _as_stored(listed: Listed) -> str:
    minutes = (machine_ms() - listed.read_at_ms) // MS_PER_MINUTE
    since = f"of {iso(listed.read_at_ms)}, {minutes} min ago"
    return f"{listed.exchange} does not say what it lists; the contracts that are stored are {since}"


def _as_of(request: RunRequest, venue: Exchange, now_ms: int, problems: list[FieldProblem]) -> int:
    as_of_ms = now_ms if request.as_of_ms is None else request.as_of_ms
    if as_of_ms > now_ms:
        message = f"this instant is after the clock of {venue.name}, which says {iso(now_ms)}"
        problems.append(FieldProblem("as_of", message, "impossible"))
    elif as_of_ms < EARLIEST_MS:
        message = f"this instant is before {iso(EARLIEST_MS)}; numbers are milliseconds since 1970"
        problems.append(FieldProblem("as_of", message))
    return as_of_ms
