"""Faults on demand: planned ones in a queue, and a seeded random mode."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from .effects import Effects

FaultKind = Literal[
    "delay",
    "drop_before",
    "drop_after",
    "late",
    "throttle",
    "error_before",
    "error_after",
    "reject",
    "duplicate_ack",
    "cut",
    "stale",
    "hide",
    "partial_fill",
    "presets_lost",
]
"""delay: the reply comes ``ms`` later (``before``: the request is processed later as well).
drop_before, drop_after: no reply; the request was not, or was, processed.
late: no reply, and the request is processed ``ms`` later on the venue's clock, window check included.
throttle: 429 with 30013.
error_before, error_after: ``status`` (503), not or well processed; an ``html`` page or JSON with 30014.
reject: ``code`` with its own status or ``status``, not processed.
duplicate_ack: processed, but a new client id is answered 40050.
cut: processed, the connection ends in the middle of the reply's body.
stale: a read is answered with the last reply to the same request (a first one is answered truly).
hide: what the request creates is not seen by the next ``reads`` reads that would show it.
partial_fill: the order never fills more than ``share``. presets_lost: its presets are not armed."""

EFFECTS = frozenset({"hide", "partial_fill", "presets_lost"})
Ending = Literal["timeout", "disconnect", "refuse"]
"""How a lost reply looks: the caller waits in vain, the connection closes, or was never made (not after)."""

CREATES = ("submit-order", "submit-tp-sl-order", "submit-plan-order")
WHERE: Mapping[str, Sequence[str]] = {
    "duplicate_ack": CREATES,
    "hide": CREATES,
    "partial_fill": ("submit-order",),
    "presets_lost": ("submit-order",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned fault for the matching requests to ``endpoint`` (last part of the path; None: any).

    It lets ``after`` matching requests pass, then applies to the next ``times``. ``match``: parameters that
    must be equal, e.g. ``{"type": "stop_loss"}``.
    """

    kind: FaultKind
    endpoint: str | None = None
    after: int = 0
    times: int = 1
    match: Mapping[str, Any] = field(default_factory=dict)
    ms: int = 0
    before: bool = False
    status: int | None = None
    html: bool = False
    code: int = 40012
    reads: int = 1
    share: Decimal = Decimal("0.5")
    ending: Ending = "timeout"

    def matches(self, endpoint: str, params: Mapping[str, Any]) -> bool:
        return self.endpoint in (None, endpoint) and all(params.get(k) == v for k, v in self.match.items())


@dataclass(slots=True)
class _Planned:
    fault: Fault
    skip: int
    left: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one request meets: at most one fault of its reply, and effects on what it creates."""

    reply: Fault | None = None
    effects: Sequence[Fault] = ()

    @property
    def label(self) -> str:
        names = [fault.kind for fault in self.effects]
        if self.reply is not None:
            names.insert(0, self.reply.kind)
        return "+".join(names)

    def as_effects(self) -> Effects:
        effects = Effects()
        for fault in self.effects:
            if fault.kind == "hide":
                effects.hidden_reads = fault.reads
            elif fault.kind == "partial_fill":
                effects.fill_share = fault.share
            else:
                effects.loses_presets = True
        return effects


NOTHING = Chosen()


class Faults:
    """The queue of planned faults, and random ones. A planned reply fault goes before a random one."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._seed = 0
        self._rates: Mapping[str, float] = {}
        self._endpoints: frozenset[str] | None = None
        self._largest_ms = 8000
        self._calls: Counter[str] = Counter()

    def plan(self, kind: FaultKind, endpoint: str | None = None, **details: Any) -> Fault:
        """Queues a fault; ``details`` are the fields of `Fault`."""
        fault = Fault(kind=kind, endpoint=endpoint, **details)
        self._planned.append(_Planned(fault, fault.after, fault.times))
        return fault

    def refuse_stop(self, code: int = 40012, times: int = 1) -> Fault:
        """The next stops are refused with ``code``."""
        return self.plan("reject", "submit-tp-sl-order", match={"type": "stop_loss"}, code=code, times=times)

    def randomly(
        self,
        seed: int,
        rates: Mapping[str, float],
        endpoints: Sequence[str] | None = None,
        largest_ms: int = 8000,
    ) -> None:
        """From now on each kind befalls a request with its probability, each endpoint by itself.

        The same seed gives the n-th request to an endpoint the same fault. ``largest_ms`` bounds `late` and
        `delay`. Raises ValueError for reply faults that sum to more than 1.
        """
        replies = sum(rate for kind, rate in rates.items() if kind not in EFFECTS)
        if replies > 1 or any(not 0 <= rate <= 1 for rate in rates.values()):
            raise ValueError(f"{dict(rates)} are no probabilities")
        self._seed, self._rates, self._largest_ms = seed, dict(rates), largest_ms
        self._endpoints = None if endpoints is None else frozenset(endpoints)
        self._calls.clear()

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._planned.clear()
        self._rates = {}

    @property
    def pending(self) -> Sequence[Fault]:
        """Planned faults that have not been used up."""
        return [planned.fault for planned in self._planned]

    def choose(self, endpoint: str, method: str, params: Mapping[str, Any]) -> Chosen:
        """The faults of one request; uses planned ones up."""
        if not self._planned and not self._rates:
            return NOTHING
        reply: Fault | None = None
        effects: list[Fault] = []
        for planned in list(self._planned):
            fault = planned.fault
            if not fault.matches(endpoint, params) or (reply is not None and fault.kind not in EFFECTS):
                continue
            if planned.skip:
                planned.skip -= 1
                continue
            planned.left -= 1
            if not planned.left:
                self._planned.remove(planned)
            if fault.kind in EFFECTS:
                effects.append(fault)
            else:
                reply = fault
        if self._rates and (self._endpoints is None or endpoint in self._endpoints):
            drawn, more = self._draw(endpoint, method)
            reply = reply or drawn
            effects.extend(more)
        return Chosen(reply, effects)

    def _draw(self, endpoint: str, method: str) -> tuple[Fault | None, list[Fault]]:
        self._calls[endpoint] += 1
        digest = hashlib.blake2b(
            f"{self._seed}/{endpoint}/{self._calls[endpoint]}".encode(), digest_size=16
        ).digest()
        dice = [int.from_bytes(digest[i : i + 4], "big") / 2**32 for i in range(0, 16, 4)]
        reply: Fault | None = None
        effects: list[Fault] = []
        floor = 0.0
        for kind, rate in self._rates.items():
            if not self._applies(kind, endpoint, method):
                continue
            if kind in EFFECTS:
                spread = hashlib.blake2b(digest + kind.encode(), digest_size=4).digest()
                if int.from_bytes(spread, "big") / 2**32 < rate:
                    effects.append(self._shaped(kind, dice))
                continue
            if reply is None and floor <= dice[0] < floor + rate:
                reply = self._shaped(kind, dice)
            floor += rate
        return reply, effects

    @staticmethod
    def _applies(kind: str, endpoint: str, method: str) -> bool:
        if kind in WHERE:
            return endpoint in WHERE[kind]
        if kind == "stale":
            return method == "GET"
        if kind in ("late", "reject"):
            return method == "POST"
        return True

    def _shaped(self, kind: Any, dice: Sequence[float]) -> Fault:
        return Fault(
            kind=kind,
            ms=int(dice[1] * self._largest_ms),
            before=dice[2] < 0.5,
            status=None if kind == "reject" else (500 if dice[2] < 0.5 else 503),
            html=dice[3] < 0.3,
            reads=1 + int(dice[2] * 3),
            share=Decimal(round(dice[3], 2)).quantize(Decimal("0.01")),
            ending="timeout" if dice[3] < 0.5 else "disconnect",
        )
