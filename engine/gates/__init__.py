"""Ordered checks over facts handed in by fixed code: the first true one rejects, with its reason."""

from engine.gates.gate import Gate, GateCheck, GateColumns, GateDecision

__all__ = ["Gate", "GateCheck", "GateColumns", "GateDecision"]
