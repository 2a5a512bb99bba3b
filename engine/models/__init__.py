"""The shape of every YAML document, as pydantic models: the one definition that schemas are made from."""

from __future__ import annotations

from engine.models.base import Code, Document, Model, Name, Side, Timeframe, Unit
from engine.models.conditions import ConditionsDocument
from engine.models.contracts import ContractsDocument
from engine.models.facts import FactsDocument
from engine.models.gate import GateDocument
from engine.models.reasons import ReasonsDocument
from engine.models.service import ServiceDocument
from engine.models.trade_entry import TradeEntryDocument
from engine.models.validation import ValidationDocument

KINDS: dict[str, type[Document]] = {
    "service": ServiceDocument,
    "facts": FactsDocument,
    "conditions": ConditionsDocument,
    "gate": GateDocument,
    "reasons": ReasonsDocument,
    "validation": ValidationDocument,
    "trade_entry": TradeEntryDocument,
    "contracts": ContractsDocument,
}
"""Model of each ``kind``."""

__all__ = ["KINDS", "Code", "Document", "Model", "Name", "Side", "Timeframe", "Unit"]
