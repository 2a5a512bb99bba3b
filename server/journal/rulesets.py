"""Profiles as they were in force, kept by fingerprint: what an order was decided by can be had again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from engine.ruleset import Profile
from server.database import Database
from server.database import tables as t
from server.journal import codec
from server.journal.errors import JournalError
from server.journal.lookups import insert_missing

KEPT = 16
"""Profiles that are kept in memory."""


class Rulesets:
    """Stores profiles and gives them back, ready to decide; each fingerprint once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._profiles: dict[str, Profile] = {}
        self._stored: set[str] = set()

    async def keep(self, profile: Profile, now_ms: int) -> str:
        """Stores the profile, if it is new; its fingerprint. Raises ``JournalError``."""
        fingerprint = profile.fingerprint
        self._remember(fingerprint, profile)
        if fingerprint in self._stored:
            return fingerprint
        row = {
            "fingerprint": fingerprint,
            "profile": profile.name,
            "first_seen": now_ms,
            "canonical": codec.compress(codec.document(profile.canonical())),
        }
        try:
            async with self._database.write() as connection:
                await connection.run_sync(insert_missing, t.ruleset, [row])
        except (SQLAlchemyError, OSError) as error:
            raise JournalError(f"the rules {fingerprint[:12]} could not be stored") from error
        self._stored.add(fingerprint)
        return fingerprint

    async def profile(self, fingerprint: str) -> Profile:
        """The profile of a fingerprint. Raises ``JournalError`` where it is not stored, or cannot be read."""
        known = self._profiles.get(fingerprint)
        if known is not None:
            return known
        query = select(t.ruleset.c.canonical).where(t.ruleset.c.fingerprint == fingerprint)
        try:
            async with self._database.read() as connection:
                payload = (await connection.execute(query)).scalar_one_or_none()
        except (SQLAlchemyError, OSError) as error:
            raise JournalError(f"the rules {fingerprint[:12]} could not be read") from error
        if payload is None:
            raise JournalError(f"the rules {fingerprint[:12]} are not stored")
        canonical: Mapping[str, Any] = codec.read_document(codec.expand(payload))
        profile = await asyncio.to_thread(Profile.from_canonical, canonical)
        self._remember(fingerprint, profile)
        return profile

    def _remember(self, fingerprint: str, profile: Profile) -> None:
        self._profiles.pop(fingerprint, None)
        self._profiles[fingerprint] = profile
        while len(self._profiles) > KEPT:
            self._profiles.pop(next(iter(self._profiles)))
