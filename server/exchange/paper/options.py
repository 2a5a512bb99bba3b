"""What a paper venue is made of. Nothing here reads the environment: settings hand it in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOptions:
    """Choices of one paper venue. Raises `ValueError` for values that contradict each other.

    ``market_data``: a folder of candle files; None serves the bundled ones.
    ``spread_ticks``: ask minus bid, in ticks, at least 1.
    ``balance_usdt``: the account's equity when it begins, all of it free.
    ``at_ms``: the clock stands at this instant. ``start_ms``: the clock runs from this instant at ``speed``
    recorded seconds per real second (None: 1). Neither: it stands at the last instant that the most symbols
    have a closed candle.
    ``volume_share``: what one resting order can take of a candle's volume at most, above 0, up to 1.
    ``price_limit_ratio``: how far from the mark price a limit may be; 0.05 is 5 %.
    ``attaches_protection``: whether an entry order may bring its stop and its take profit along.
    ``seed``: of what is drawn; the same seed and requests at the same instants have the same fills.
    """

    market_data: Path | None = None
    spread_ticks: int = 1
    balance_usdt: Decimal = Decimal(1000)
    at_ms: int | None = None
    start_ms: int | None = None
    speed: float | None = None
    volume_share: Decimal = Decimal("0.1")
    price_limit_ratio: Decimal = Decimal("0.05")
    attaches_protection: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.spread_ticks < 1:
            raise ValueError(f"the spread must be at least 1 tick, not {self.spread_ticks}")
        if not self.balance_usdt.is_finite() or self.balance_usdt < 0:
            raise ValueError(f"the balance must be 0 USDT or more, not {self.balance_usdt}")
        if self.at_ms is not None and (self.start_ms is not None or self.speed is not None):
            raise ValueError("a clock that stands at an instant has neither a start nor a speed")
        if self.speed is not None and self.start_ms is None:
            raise ValueError("a speed needs an instant to start from")
        if self.speed is not None and not 0 < self.speed < float("inf"):
            raise ValueError(f"the speed must be above 0 recorded seconds per second, not {self.speed}")
        if not self.volume_share.is_finite() or not 0 < self.volume_share <= 1:
            raise ValueError(f"the share of a volume must be above 0 and at most 1, not {self.volume_share}")
        if not self.price_limit_ratio.is_finite() or self.price_limit_ratio <= 0:
            raise ValueError(f"the price limit must be a ratio above 0, not {self.price_limit_ratio}")
