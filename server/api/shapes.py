"""The shapes of what is answered beside a run. The OpenAPI document is made from them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from server.journal import RunStatusName
from server.run.shapes import ErrorAnswer, TradingDecision

DecisionStatus = Literal["READY", "INVALID", "ERROR"]


class Health(TypedDict):
    """The process answers; ``GET /ready`` says whether it can work."""

    status: Literal["ok"]
    version: str


class RulesReport(TypedDict):
    """``last_good``: the folder has problems and is ignored; what was loaded before them is in force."""

    ok: bool
    state: Literal["current", "last_good"]
    folder: str
    default_profile: str
    fingerprints: dict[str, str]
    warnings: list[str]


class DatabaseReport(TypedDict):
    ok: bool
    at_head: bool
    detail: str


class VenueReport(TypedDict):
    ok: bool
    clock: str | None
    detail: str


class TradingReport(TypedDict):
    """``ok``: orders that are wanted would be carried out and looked after. ``halted`` is an operator's wish,
    and no fault. ``unsettled``: orders of which nobody knows yet whether they are at the venue.
    """

    ok: bool
    durable: bool
    halted: bool | None
    unsettled: int | None
    detail: str


class Readiness(TypedDict):
    """Whether runs can be made: rules in force, database at head, the clocks of the venues, trading.

    Where the service has keys, only who sends one is told more than the status.
    """

    status: Literal["ready", "not_ready"]
    version: str
    rules: NotRequired[RulesReport]
    database: NotRequired[DatabaseReport]
    venues: NotRequired[dict[str, VenueReport]]
    trading: NotRequired[TradingReport]


class ReasonElsewhere(TypedDict):
    stage: str
    status: str


class Reason(TypedDict):
    """``also``: further stages that give the code, with its status there. ``replaces``: codes by which other
    systems say the same.
    """

    code: str
    stage: str
    status: str
    also: list[ReasonElsewhere]
    meaning: str
    remedy: str
    replaces: list[str]


class Reasons(TypedDict):
    """Every reason code there is, in the order of the stages."""

    reasons: list[Reason]


class ProfileEntry(TypedDict):
    name: str
    enabled: bool
    default: bool
    version: str | int
    summary: str | None
    mode: str
    context_timeframes: list[str]
    execution_timeframes: list[str]
    fingerprint: str


class Profiles(TypedDict):
    """In the order of the service document; the first enabled one is the default."""

    profiles: list[ProfileEntry]


class ProfileValue(TypedDict):
    """One value and where it is written; ``origin`` is ``file:line``, or ``default``."""

    path: str
    value: Any
    file: str | None
    line: int | None
    origin: str


class ProfileDetail(ProfileEntry):
    """The effective configuration: what is in force after ``extends`` and defaults."""

    values: list[ProfileValue]


class StoredRun(TypedDict):
    """``finished_at`` is null while it runs, and where its process was gone before its end."""

    run_id: str
    status: RunStatusName
    profile: str
    fingerprint: str
    validation_mode: str
    exchange: str
    market_type: str
    dry_run: bool
    actor: str
    workers: int
    as_of: str
    started_at: str
    finished_at: str | None
    execution_time_seconds: float | None
    degraded: bool
    symbols_excluded: int
    symbols_processed: int
    symbols_ready: int
    symbols_invalid: int
    symbols_failed: int


class StoredDecision(TypedDict):
    """``id`` is the run's id, a dot and the symbol."""

    id: str
    run_id: str
    symbol: str
    as_of: str
    profile: str
    fingerprint: str
    status: DecisionStatus
    signal_side: Literal["long", "short"] | None
    execution_tf: str | None
    reason: str | None
    blocking_tf: str | None
    trading_decision: TradingDecision | None


class StoredRunDetail(StoredRun):
    """``request`` is what was asked, with every name and default resolved; ``timings`` are seconds by stage.

    ``excluded`` are symbols that were not looked at, as the answer of the run had them.
    """

    request: dict[str, Any]
    errors: list[ErrorAnswer]
    excluded: list[dict[str, Any]]
    warnings: list[str]
    timings: dict[str, float]
    decisions: list[StoredDecision]


class RunPage(TypedDict):
    """Newest first; ``total`` counts all pages."""

    items: list[StoredRun]
    page: int
    page_size: int
    total: int


class DecisionPage(TypedDict):
    """Newest first; ``total`` counts all pages."""

    items: list[StoredDecision]
    page: int
    page_size: int
    total: int


class ExplanationBody(TypedDict):
    """Trees of conditions with expressions, parameters, values, thresholds and margins; then the gates.

    ``selector`` is how the walk over the execution timeframes went, null where there was none.
    """

    sentence: str
    nearest: list[dict[str, Any]]
    timeframes: list[dict[str, Any]]
    selector: dict[str, Any] | None
    gates: list[dict[str, Any]]


class DecisionExplanation(TypedDict):
    """Why a stored decision came out, by the rules that were in force then."""

    decision: StoredDecision
    explanation: ExplanationBody
