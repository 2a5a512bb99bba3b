"""What keeping the schedule can fail with."""

from __future__ import annotations


class ScheduleUnavailable(Exception):
    """The database did not answer: nobody knows whether a slot is taken, so it is not run."""
