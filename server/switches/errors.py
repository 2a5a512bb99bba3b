"""What keeping switches can fail with."""

from __future__ import annotations


class SwitchesUnavailable(Exception):
    """The database did not answer: nobody knows what is switched off, and nothing was changed."""


class NoSuchLock(Exception):
    """No run holds a lock of this name."""


class NotBlacklisted(Exception):
    """The symbol is not on the blacklist."""
