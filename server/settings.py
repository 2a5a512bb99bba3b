"""Settings of the service, from environment variables that start with ``ENTRYGATE_``.

This is the only module that reads the environment. A variable with that prefix that names no setting is an
error, as is a value that does not fit: a misspelt setting must not silently leave its default in force.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine.documents.nearest import nearest
from engine.models.service import ExchangeName
from server.access import FORM, KeyRing, read_keys
from server.database import DatabaseAddress, DatabaseError
from server.instants import at
from server.shipped import shipped_rules
from server.switches.durations import duration_ms

PREFIX = "ENTRYGATE_"


class SettingsError(ValueError):
    """Settings that cannot be used; ``problems`` has one line for each, naming the variable."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _instant(value: object) -> object:
    return at(value) if isinstance(value, str) else value


def _every(value: object) -> object:
    return duration_ms(value) if isinstance(value, str) else value


Instant = Annotated[int, BeforeValidator(_instant)]
"""ms UTC, written as ISO 8601."""

Every = Annotated[int, BeforeValidator(_every)]
"""ms, written as a duration."""

_DAY_MS = 86_400_000


class Settings(BaseSettings):
    """What the environment can choose. ``load_settings`` makes one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    rules_dir: Path = Field(default_factory=shipped_rules)
    """Folder of rules."""

    database_url: str = Field(default_factory=lambda: default_database_url(), repr=False)
    """``sqlite:///path`` or ``postgresql://user:password@host/name``."""

    exchange: ExchangeName | None = None
    """Venue of runs that name none; without it the one of ``service.yaml``."""

    market_data: Path | None = None
    """Folder of Parquet candles for the paper venue; without it the bundled ones."""

    paper_spread_ticks: int = Field(default=1, ge=1)
    """Ask minus bid of the paper venue's book, in ticks."""

    paper_balance_usdt: Decimal = Field(default=Decimal(1000), ge=0, allow_inf_nan=False)
    """Equity of the paper account."""

    paper_at: Instant | None = None
    """The paper venue's clock stands at this instant."""

    paper_start: Instant | None = None
    """The paper venue's clock runs from this instant."""

    paper_speed: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Recorded seconds per real second of a running clock; without it 1."""

    paper_volume_share: Decimal = Field(default=Decimal("0.1"), gt=0, le=1, allow_inf_nan=False)
    """What one resting order takes of a recorded candle's volume at most."""

    paper_price_limit_ratio: Decimal = Field(default=Decimal("0.05"), gt=0, allow_inf_nan=False)
    """How far from the mark price the paper venue takes a limit: 0.05 is 5 %."""

    paper_seed: int = 0
    """Of what the paper venue draws: the same seed and requests have the same fills."""

    live: bool = False
    """Whether orders may leave for a venue that is not simulated."""

    api_keys: SecretStr | None = None
    """Who may call the API: ``name:role:secret``, several with commas; without it this machine only."""

    dispatch: Literal["sync", "async"] = "sync"
    """``sync``: entries are carried out by the process that decided them; ``async``: by any that has room."""

    decision_wait_sec: float = Field(default=10, ge=0, le=120, allow_inf_nan=False)
    """How long an answer waits for its entries; later ones are ``pending`` in it."""

    every: Every | None = None
    """``serve`` runs by itself once in so long, ``1m`` for one; without it only what is asked for."""

    every_profiles: str | None = None
    """The profiles it runs, with commas; without it the default one."""

    every_offset_sec: float = Field(default=2, ge=0, allow_inf_nan=False)
    """How long after the minute it begins, so that the candle has closed."""

    every_workers: int = Field(default=1, ge=1, le=16)
    """Shares that the symbols of these runs are split into."""

    bitmart_base_url: str = "https://api-cloud-v2.bitmart.com"
    """Where BitMart's futures API is."""

    bitmart_api_key: SecretStr | None = None
    """Key of the BitMart account; without it that venue is not there."""

    bitmart_secret: SecretStr | None = None
    """Its secret."""

    bitmart_memo: SecretStr | None = None
    """Its memo."""

    bitmart_rate_factor: float = Field(default=1, gt=0, le=1, allow_inf_nan=False)
    """Share of BitMart's documented request rates that this process takes; several processes divide them."""

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port on which ``worker`` answers ``/metrics``; without it, it listens nowhere."""

    host: str = "127.0.0.1"
    """Address ``serve`` listens on, and ``worker`` with a ``metrics_port``."""

    port: int = Field(default=8321, ge=1, le=65535)
    """Port ``serve`` listens on."""

    @property
    def database(self) -> DatabaseAddress:
        """Where the database is."""
        return DatabaseAddress.parse(self.database_url)

    @property
    def keys(self) -> KeyRing | None:
        """The keys of the API; None where it needs none."""
        return None if self.api_keys is None else read_keys(self.api_keys.get_secret_value())

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles that are run by themselves; empty for the default one."""
        names = (name.strip() for name in (self.every_profiles or "").split(","))
        return tuple(dict.fromkeys(name for name in names if name))

    @field_validator("every")
    @classmethod
    def _whole_slots(cls, value: int | None) -> int | None:
        if value is not None and (value <= 0 or _DAY_MS % value):
            raise PydanticCustomError("every", "expected a part of a day without remainder: 1m, 5m, 1h, 1d")
        return value

    @field_validator("api_keys")
    @classmethod
    def _keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        try:
            read_keys(value.get_secret_value())
        except ValueError as error:
            # The text of the cause names no part of the value; the value itself is never repeated.
            problem = f"expected {FORM}: {error}"
            raise PydanticCustomError("keys", "{problem}", {"problem": problem}) from None
        return value

    @field_validator("rules_dir", "market_data")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise PydanticCustomError("folder", "there is no folder '{path}'", {"path": str(value)})
        return value

    @field_validator("database_url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            DatabaseAddress.parse(value)
        except DatabaseError as error:
            raise PydanticCustomError("database", "{problem}", {"problem": str(error)}) from error
        return value

    @model_validator(mode="after")
    def _together(self) -> Settings:
        if self.paper_at is not None and (self.paper_start is not None or self.paper_speed is not None):
            raise PydanticCustomError(
                "clock", "ENTRYGATE_PAPER_AT excludes ENTRYGATE_PAPER_START and _PAPER_SPEED"
            )
        if len({self.bitmart_api_key is None, self.bitmart_secret is None, self.bitmart_memo is None}) > 1:
            raise PydanticCustomError(
                "bitmart", "ENTRYGATE_BITMART_API_KEY, _SECRET and _MEMO are given together or not at all"
            )
        if self.live and not (self.keys is not None and self.keys.can("trade")):
            raise PydanticCustomError(
                "live", "ENTRYGATE_LIVE needs a key with the role trade in ENTRYGATE_API_KEYS"
            )
        if self.every is not None and self.every_offset_sec * 2000 >= self.every:
            raise PydanticCustomError(
                "offset", "ENTRYGATE_EVERY_OFFSET_SEC has to be less than half of ENTRYGATE_EVERY"
            )
        if self.paper_speed is not None and self.paper_start is None:
            raise PydanticCustomError("clock", "ENTRYGATE_PAPER_SPEED needs ENTRYGATE_PAPER_START")
        return self


def load_settings(**given: Any) -> Settings:
    """Settings from the environment; ``given`` values win. Raises ``SettingsError`` with every problem."""
    problems = list(_unknown(os.environ))
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += [_line(detail) for detail in error.errors()]
    else:
        if not problems:
            return settings
    raise SettingsError(problems)


def default_database_url() -> str:
    """An SQLite file in the user's data folder."""
    return f"sqlite:///{user_data_path('entrygate', appauthor=False) / 'entrygate.db'}"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _unknown(environment: Mapping[str, str]) -> Iterable[str]:
    known = [variable(name) for name in Settings.model_fields]
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            meant = nearest(name.upper(), known)
            yield f"{name}: no such setting" + (f"; did you mean {meant}?" if meant else "")


def _line(detail: ErrorDetails) -> str:
    if not detail["loc"]:
        return detail["msg"]
    message = detail["msg"].removeprefix("Value error, ")
    if not message[:2].isupper():  # a name such as SQLite stays as it is
        message = message[:1].lower() + message[1:]
    return f"{variable(str(detail['loc'][0]))}: {message}"
