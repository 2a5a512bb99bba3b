"""Conditions and the trees that combine them, linked to facts and run over columns."""

from engine.rules.catalogue import Catalogue, Instance, LinkedTree, Linker, conditions_in, label_of, labels_of
from engine.rules.program import Outcomes, RuleProgram

__all__ = [
    "Catalogue",
    "Instance",
    "LinkedTree",
    "Linker",
    "Outcomes",
    "RuleProgram",
    "conditions_in",
    "label_of",
    "labels_of",
]
