"""What a run is asked to do, and how a question that cannot be answered is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.documents.nearest import nearest

ProblemKind = Literal["invalid", "unknown", "impossible"]
"""Wrong by itself; a name nothing has; understood, but it cannot be done here or now."""

_SHOWN_CHOICES = 12


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field. ``choices`` are the values it can have, where they can be listed."""

    field: str
    message: str
    kind: ProblemKind = "invalid"
    did_you_mean: str | None = None
    choices: tuple[str, ...] = ()

    @staticmethod
    def unknown(field: str, what: str, name: str, choices: Iterable[str]) -> FieldProblem:
        """Says that ``name`` does not exist, as ``<what> 'name'``, and the nearest that does, or them all."""
        known = tuple(choices)
        meant = nearest(name, known)
        shown = ", ".join(known[:_SHOWN_CHOICES]) + (", …" if len(known) > _SHOWN_CHOICES else "")
        hint = f"; did you mean {meant!r}?" if meant else f"; there is {shown}" if known else ""
        return FieldProblem(field, f"{what} {name!r}{hint}", "unknown", meant, known)


class RequestProblem(ValueError):
    """A request that is refused before any work, with everything that is wrong with it.

    ``field``, ``message`` and ``choices`` are those of the first problem.
    """

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = tuple(problems)

    @property
    def field(self) -> str:
        return self.problems[0].field

    @property
    def message(self) -> str:
        return self.problems[0].message

    @property
    def choices(self) -> tuple[str, ...]:
        return self.problems[0].choices


class RunInProgress(Exception):
    """Another run has the lock of such runs; the text says who, and since when."""


class RunUnavailable(Exception):
    """The run cannot begin because what it stands on does not answer; trying again may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run. Nothing here is checked yet; `server.run.resolve` does that before any work.

    ``symbols``: none means all contracts of the venue that the profile selects. ``profile``, ``mode`` and
    ``exchange``: None means the default one. ``passed_over_profile`` was named too but did not win; it must
    exist all the same. ``as_of_ms``: None means the venue's present. ``actor`` is who
    asks, as far as the edge knows, and ``may_trade`` whether they may have orders placed; ``user_id`` and
    ``ip_address`` are what the caller says of themselves, which is only kept. ``current_tf``: the answer
    details this timeframe only.

    ``sync_tables``: ask the venue what is open, instead of going by what is stored;
    ``skip_open_state_filter``: look at symbols that have something open, too. Where orders may leave:
    ``lock_per_symbol`` locks each symbol against other runs instead of the whole run, and ``process_tp_sl``
    moves stops and targets of open positions to their real entries first. ``warnings`` are remarks of the
    edge that the answer repeats. ``run_id``: under which id the run is kept; None means a new one.
    """

    actor: str
    symbols: tuple[str, ...] = ()
    profile: str | None = None
    passed_over_profile: str | None = None
    mode: str | None = None
    workers: int = 1
    exchange: str | None = None
    market_type: str = "perpetual"
    as_of_ms: int | None = None
    dry_run: bool = True
    may_trade: bool = False
    sync_tables: bool = True
    skip_open_state_filter: bool = False
    lock_per_symbol: bool = False
    process_tp_sl: bool = True
    current_tf: str | None = None
    user_id: str | None = None
    ip_address: str | None = None
    verbose: bool = False
    warnings: tuple[str, ...] = ()
    run_id: str | None = None
