"""What keeping orders can fail with."""

from __future__ import annotations


class OrdersUnavailable(Exception):
    """The database did not answer; nothing is known and nothing was changed."""


class NoSuchOrder(Exception):
    """No intent has this decision key or client order id."""


class ChangedMeanwhile(Exception):
    """Another worker changed the intent since it was read: read it again."""


class TradingHalted(Exception):
    """The kill switch is on: nothing was changed, and nothing may leave."""


class OrderIsDone(Exception):
    """The intent is in a final state, which nothing but an operator's retry changes."""
