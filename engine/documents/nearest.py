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
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        current = [i]
        for j, b in enumerate(right, start=1):
            cost = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, row = row, current
    return row[-1]


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that takes the fewest edits, at most one in three letters (at least one, at most four).

    Capitals are ignored. Ties go to the name with more text in common, then to the first in the alphabet.
    Where none is that near, one that starts with ``name`` (three letters or more) is taken: min, minimum.
    """
    wanted = name.lower()
    if not wanted:
        return None
    limit = min(4, max(1, len(wanted) // 3))
    candidates = sorted(set(valid) - {name})
    found: list[tuple[int, float, str]] = []
    for candidate in candidates:
        distance = edit_distance(wanted, candidate.lower(), limit)
        if distance <= limit:
            likeness = SequenceMatcher(None, wanted, candidate.lower()).ratio()
            found.append((distance, -likeness, candidate))
    if found:
        return min(found)[2]
    longer = [candidate for candidate in candidates if candidate.lower().startswith(wanted)]
    return min(longer, key=len) if longer and len(wanted) >= 3 else None
