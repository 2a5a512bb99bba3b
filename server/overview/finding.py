"""One thing that was looked at, and whether it is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``remedy`` is empty where nothing has to be done."""

    name: str
    level: Level
    detail: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """In the types of JSON."""
        return {"name": self.name, "level": self.level, "detail": self.detail, "remedy": self.remedy}
