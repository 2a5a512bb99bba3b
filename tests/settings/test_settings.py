"""Settings: what the environment can say, and what is said of what it cannot."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from server.service import paper_options
from server.settings import Settings, SettingsError, load_settings, shipped_rules


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ENTRYGATE_{name.upper()}", raising=False)


def problems() -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return caught.value.problems


KEYS = "desk:trade:0123456789abcdef0123456789abcdef"


def test_an_empty_environment_is_enough() -> None:
    settings = load_settings()
    assert settings.rules_dir == shipped_rules()
    assert (settings.rules_dir / "service.yaml").is_file()
    assert settings.database.file is not None
    assert settings.database.file.name == "entrygate.db"
    assert (settings.host, settings.port, settings.exchange) == ("127.0.0.1", 8321, None)


def test_every_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = {
        "RULES_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "EXCHANGE": "paper",
        "MARKET_DATA": str(tmp_path),
        "PAPER_SPREAD_TICKS": "3",
        "PAPER_BALANCE_USDT": "250.5",
        "PAPER_VOLUME_SHARE": "0.5",
        "PAPER_PRICE_LIMIT_RATIO": "0.02",
        "PAPER_SEED": "7",
        "PAPER_START": "2025-06-01T00:00:00Z",
        "PAPER_SPEED": "60",
        "LIVE": "1",
        "API_KEYS": KEYS,
        "DISPATCH": "async",
        "DECISION_WAIT_SEC": "2.5",
        "EVERY": "5m",
        "EVERY_PROFILES": "crash, scalper",
        "EVERY_OFFSET_SEC": "1.5",
        "EVERY_WORKERS": "8",
        "BITMART_BASE_URL": "http://127.0.0.1:1",
        "BITMART_API_KEY": "key",
        "BITMART_SECRET": "secret",
        "BITMART_MEMO": "memo",
        "BITMART_RATE_FACTOR": "0.5",
        "METRICS_PORT": "9001",
        "HOST": "0.0.0.0",
        "PORT": "9000",
    }
    for name, value in said.items():
        monkeypatch.setenv(f"ENTRYGATE_{name}", value)
    settings = load_settings()
    assert settings.model_dump() == {
        "rules_dir": tmp_path,
        "database_url": said["DATABASE_URL"],
        "exchange": "paper",
        "market_data": tmp_path,
        "paper_spread_ticks": 3,
        "paper_balance_usdt": Decimal("250.5"),
        "paper_volume_share": Decimal("0.5"),
        "paper_price_limit_ratio": Decimal("0.02"),
        "paper_seed": 7,
        "paper_at": None,
        "paper_start": 1_748_736_000_000,
        "paper_speed": 60.0,
        "live": True,
        "api_keys": SecretStr(KEYS),
        "dispatch": "async",
        "decision_wait_sec": 2.5,
        "every": 300_000,
        "every_profiles": "crash, scalper",
        "every_offset_sec": 1.5,
        "every_workers": 8,
        "bitmart_base_url": "http://127.0.0.1:1",
        "bitmart_api_key": SecretStr("key"),
        "bitmart_secret": SecretStr("secret"),
        "bitmart_memo": SecretStr("memo"),
        "bitmart_rate_factor": 0.5,
        "metrics_port": 9001,
        "host": "0.0.0.0",
        "port": 9000,
    }
    assert settings.profiles == ("crash", "scalper")


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRYGATE_MARKET_DATA", "")
    assert load_settings().market_data is None


def test_given_values_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRYGATE_PORT", "9000")
    assert load_settings(port=9001).port == 9001


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "many", "ENTRYGATE_PORT: input should be a valid integer"),
        ("PORT", "70000", "ENTRYGATE_PORT: input should be less than or equal to 65535"),
        ("EXCHANGE", "binance", "ENTRYGATE_EXCHANGE: input should be 'paper'"),
        ("RULES_DIR", "/nowhere/rules", "ENTRYGATE_RULES_DIR: there is no folder '/nowhere/rules'"),
        ("MARKET_DATA", "/nowhere/data", "ENTRYGATE_MARKET_DATA: there is no folder '/nowhere/data'"),
        ("PAPER_AT", "yesterday", "ENTRYGATE_PAPER_AT: expected an instant such as 2025-06-03T15:32:00Z"),
        ("PAPER_AT", "2025-06-03T15:32", "ENTRYGATE_PAPER_AT: expected a zone at the end"),
        (
            "PAPER_SPREAD_TICKS",
            "0",
            "ENTRYGATE_PAPER_SPREAD_TICKS: input should be greater than or equal to 1",
        ),
        ("PAPER_BALANCE_USDT", "NaN", "ENTRYGATE_PAPER_BALANCE_USDT: input should be a finite number"),
        ("PAPER_SPEED", "0", "ENTRYGATE_PAPER_SPEED: input should be greater than 0"),
        ("PAPER_SPEED", "2", "ENTRYGATE_PAPER_SPEED needs ENTRYGATE_PAPER_START"),
        ("DATABASE_URL", "mysql://me:hunter2@db/x", "ENTRYGATE_DATABASE_URL: no driver for 'mysql'"),
        ("DATABSE_URL", "x", "ENTRYGATE_DATABSE_URL: no such setting; did you mean ENTRYGATE_DATABASE_URL?"),
        ("EVERY", "7m", "ENTRYGATE_EVERY: expected a part of a day without remainder"),
        ("EVERY_LIVE", "1", "ENTRYGATE_EVERY_LIVE: no such setting"),
        ("LIVE", "1", "ENTRYGATE_LIVE needs a key with the role trade"),
        ("BITMART_MEMO", "m", "ENTRYGATE_BITMART_API_KEY, _SECRET and _MEMO are given together"),
        ("DISPATCH", "queue", "ENTRYGATE_DISPATCH: input should be 'sync' or 'async'"),
    ],
)
def test_a_wrong_setting_names_its_variable(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ENTRYGATE_{name}", value)
    assert len(problems()) == 1
    assert problems()[0].startswith(said)


def test_all_problems_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRYGATE_PORT", "many")
    monkeypatch.setenv("ENTRYGATE_HOSTS", "localhost")
    monkeypatch.setenv("ENTRYGATE_PAPER_AT", "now")
    assert [line.split(":")[0] for line in problems()] == [
        "ENTRYGATE_HOSTS",
        "ENTRYGATE_PAPER_AT",
        "ENTRYGATE_PORT",
    ]


def test_a_clock_stands_or_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRYGATE_PAPER_AT", "2025-06-01T00:00:00Z")
    monkeypatch.setenv("ENTRYGATE_PAPER_START", "2025-06-01T00:00:00Z")
    assert problems() == ("ENTRYGATE_PAPER_AT excludes ENTRYGATE_PAPER_START and _PAPER_SPEED",)


def test_a_password_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRYGATE_DATABASE_URL", "postgresql://me:hunter2@db/x")
    settings = load_settings()
    assert "hunter2" not in repr(settings) + str(settings) + str(settings.database)
    monkeypatch.setenv("ENTRYGATE_DATABASE_URL", "postgresql//me:hunter2@db/x")
    assert "hunter2" not in "".join(problems())


def test_the_paper_venue_is_made_of_its_settings() -> None:
    chosen = load_settings(paper_seed=7, paper_volume_share="0.5", paper_price_limit_ratio="0.02")
    made = paper_options(chosen)
    assert (made.seed, made.volume_share, made.price_limit_ratio) == (7, Decimal("0.5"), Decimal("0.02"))
