"""Who may do what: keys with roles, of which only hashes are kept."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, get_args

Role = Literal["read", "run", "trade"]
"""``read`` looks, ``run`` also makes dry runs, ``trade`` also places orders and acts on them."""

ROLES: tuple[Role, ...] = get_args(Role)
"""Each includes the ones before it."""

LEAST_SECRET = 24
"""Characters of a secret: as many as 16 random bytes have in base64."""

MOST_SECRET = 256

FORM = "name:role:secret, several with commas"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SECRET = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""What may stand in a header ``Authorization: Bearer``."""


def includes(role: Role, needed: Role) -> bool:
    """Whether a role may do what ``needed`` may."""
    return ROLES.index(role) >= ROLES.index(needed)


@dataclass(frozen=True, slots=True)
class Key:
    """One key; its name is the actor of whatever it does."""

    name: str
    role: Role
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key there is; at least one."""

    keys: tuple[Key, ...]

    def find(self, secret: str) -> Key | None:
        """The key of a secret. All are compared, each in constant time, so that how long it takes says
        nothing about any of them.
        """
        digest, found = _digest(secret), None
        for key in self.keys:
            if secrets.compare_digest(key.digest, digest):
                found = key
        return found

    def can(self, role: Role) -> bool:
        """Whether any key may do what ``role`` may."""
        return any(includes(key.role, role) for key in self.keys)


def read_keys(text: str) -> KeyRing:
    """Keys out of ``name:role:secret,name:role:secret``.

    Raises ``ValueError`` with everything that is wrong. It names entries by their place only: whatever stands
    in a malformed one may be a secret.
    """
    problems: list[str] = []
    keys: list[tuple[int, Key]] = []
    for place, entry in enumerate((part.strip() for part in text.split(",")), start=1):
        parts = entry.split(":")
        if len(parts) != 3:
            problems.append(f"entry {place} is not name:role:secret")
            continue
        name, role, secret = parts
        wrong = list(_wrong(name, role, secret))
        problems += [f"entry {place}: {problem}" for problem in wrong]
        keys += [(place, Key(name, known, _digest(secret))) for known in ROLES if known == role and not wrong]
    problems += _twice(keys)
    if problems:
        raise ValueError("; ".join(problems))
    return KeyRing(tuple(key for _, key in keys))


def _wrong(name: str, role: str, secret: str) -> Sequence[str]:
    problems: list[str] = []
    if not _NAME.fullmatch(name):
        problems.append("a name has up to 32 small letters, digits, _ and -")
    if role not in ROLES:
        problems.append(f"the role is one of {', '.join(ROLES)}")
    if not LEAST_SECRET <= len(secret) <= MOST_SECRET:
        problems.append(f"the secret needs {LEAST_SECRET} to {MOST_SECRET} characters")
    elif not _SECRET.fullmatch(secret):
        problems.append("a secret has letters, digits and . _ ~ + / = -")
    return problems


def _twice(keys: Sequence[tuple[int, Key]]) -> list[str]:
    problems: list[str] = []
    for at, (place, key) in enumerate(keys):
        for earlier, other in keys[:at]:
            if key.name == other.name:
                problems.append(f"entries {earlier} and {place} have one name")
            if key.digest == other.digest:
                problems.append(f"entries {earlier} and {place} have one secret")
    return problems


def _digest(secret: str) -> bytes:
    # Secrets are long and random, so a plain hash is enough: there is nothing to guess.
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()
