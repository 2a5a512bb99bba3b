"""Facts as columns over rows: one row per symbol at an instant, or per instant of one symbol."""

from engine.facts.history import History
from engine.facts.plan import FactPlan, plan_facts
from engine.facts.recorded import Recorded
from engine.facts.snapshot import Snapshot, TailCache
from engine.facts.source import FactSource, Health

__all__ = ["FactPlan", "FactSource", "Health", "History", "Recorded", "Snapshot", "TailCache", "plan_facts"]
