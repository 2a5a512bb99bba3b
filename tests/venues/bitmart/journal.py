"""What was asked of the venue and what it answered, for assertions and for people who look into a failure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

AUTHENTICATION = frozenset({30001, 30002, 30003, 30004, 30005, 30006, 30007, 30008, 30011, 30012})
SIGNATURE = frozenset({30004, 30005, 30006, 30007, 30008})
KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. ``code`` is 0 where the venue gave no answer of its own; ``fault`` what was planned.

    ``late``: it reached the venue after the caller had been left without a reply.
    """

    number: int
    at_ms: int
    method: str
    path: str
    params: Mapping[str, Any]
    key: str
    status: int
    code: int
    fault: str
    late: bool = False


@dataclass
class Journal:
    """The newest requests, and counts of all of them.

    attempts: submit-order requests that reached the venue, by client order id.
    accepted: orders it created, by client order id.
    undocumented: parameters that the document does not know, as ``path name``.
    without_id: cancel-order requests that named no order (they cancel the whole symbol).
    default_agents: requests whose User-Agent is missing or a library's default.
    expired: late requests that came after their receive window; they are nobody's failure to sign.
    """

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    total: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    codes: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    undocumented: Counter[str] = field(default_factory=Counter)
    without_id: int = 0
    default_agents: int = 0
    expired: int = 0

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.requests[entry.path] += 1
        if entry.late and entry.code == 30007:
            self.expired += 1
        else:
            self.codes[(entry.path, entry.code)] += 1
        if entry.fault:
            for name in entry.fault.split("+"):
                self.faults[name] += 1

    def of(self, name: str) -> list[Entry]:
        """The kept requests to a path, given whole or by its last part."""
        return [e for e in self.entries if e.path == name or e.path.rsplit("/", 1)[-1] == name]

    @property
    def authentication_failures(self) -> int:
        return sum(count for (_, code), count in self.codes.items() if code in AUTHENTICATION)

    @property
    def signature_failures(self) -> int:
        return sum(count for (_, code), count in self.codes.items() if code in SIGNATURE)
