"""A READY verdict on its way to becoming an order, as it is handed from one process to another."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from server.durable import Json
from server.trade_entry.identity import decision_key
from server.trade_entry.signal import FactKey, FactValues, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """``facts`` are those the plan is computed from, at the signal's instant; ``at_ms`` is the venue's time
    when this was made.
    """

    signal: Signal
    facts: FactValues
    fingerprint: str
    run_id: str
    actor: str
    exchange: str
    account: str
    at_ms: int

    @property
    def decision_key(self) -> str:
        """The same for every delivery of this decision."""
        return decision_key(self.signal, self.exchange, self.account)

    @property
    def sha256(self) -> bytes:
        """Of what is decided on: two deliveries with one key and another hash saw different things."""
        content = self._content()
        # The instant at which one looks within a candle changes nothing of what is decided on.
        signal = {name: value for name, value in content["signal"].items() if name != "as_of_ms"}
        told = [signal, content["facts"], self.fingerprint]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()

    def to_json(self) -> Json:
        """In the types of JSON; unknown facts are left out."""
        return cast(Json, self._content())

    @staticmethod
    def from_json(content: Any) -> Submission:
        """Reads what `to_json` wrote. Raises ``KeyError`` or ``ValueError`` for anything else."""
        told: Mapping[str, Any] = content
        signal: dict[str, Any] = dict(told["signal"])
        price = signal.pop("price")
        facts: dict[FactKey, float | None] = {
            (name, timeframe): value for name, timeframe, value in told["facts"]
        }
        return Submission(
            signal=Signal(**signal, price=None if price is None else Decimal(price)),
            facts=facts,
            fingerprint=told["fingerprint"],
            run_id=told["run_id"],
            actor=told["actor"],
            exchange=told["exchange"],
            account=told["account"],
            at_ms=told["at_ms"],
        )

    def _content(self) -> dict[str, Any]:
        signal = {name: getattr(self.signal, name) for name in Signal.__dataclass_fields__}
        if self.signal.price is not None:
            signal["price"] = str(self.signal.price)
        known = [
            [name, timeframe, value]
            for (name, timeframe), value in sorted(self.facts.items())
            if value is not None and math.isfinite(value)
        ]
        return {
            "signal": signal,
            "facts": known,
            "fingerprint": self.fingerprint,
            "run_id": self.run_id,
            "actor": self.actor,
            "exchange": self.exchange,
            "account": self.account,
            "at_ms": self.at_ms,
        }
