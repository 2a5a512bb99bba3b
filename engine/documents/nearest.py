"""The valid name nearest to one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def edit_distance(left: str, right: str, limit: int) -> int:
    """Fewest letters to drop, add, change or swap with their neighbour; ``limit + 1`` when it is more.

    The restricted Damerau-Levenshtein distance (optimal string alignment).
    """
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    width, far = len(right), limit + 1
    before: list[int] = []
    row = list(range(width + 1))
    for i, a in enumerate(left, start=1):
        # Cells further than the limit from the diagonal cannot be part of an answer within it.
        low, high = max(1, i - limit), min(width, i + limit)
        current = [far] * (width + 1)
        current[low - 1] = i if low == 1 else far
        for j in range(low, high + 1):
            b = right[j - 1]
            cost = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current[j] = cost
        if min(current) > limit:
            return far
        before, row = row, current
    return min(row[-1], far)


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that takes the fewest edits, at most one in three letters (at least one, at most four).

    Capitals are ignored. Ties go to the name with more text in common, then to the first in the alphabet.
    Where none is that near, one that starts with ``name`` (three letters or more) is taken: min, minimum.
    """
    wanted = name.lower()
    if not wanted:
        return None
    most = min(4, max(1, len(wanted) // 3))
    candidates = sorted(set(valid) - {name})
    for limit in range(most + 1):
        close = [c for c in candidates if edit_distance(wanted, c.lower(), limit) <= limit]
        if close:
            return max(close, key=lambda c: SequenceMatcher(None, wanted, c.lower()).ratio())
    longer = [candidate for candidate in candidates if candidate.lower().startswith(wanted)]
    return min(longer, key=len) if longer and len(wanted) >= 3 else None
