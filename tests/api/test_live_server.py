"""The main path over a real connection: run, look it up, ask why, edit, run again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from api_calls import LONG
from live_server import serving

from server.api import create_app
from server.settings import Settings


def test_the_main_path(settings: Settings) -> None:
    with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=30) as client:
        assert client.get("/ready").json()["status"] == "ready"

        answer = client.post("/api/mtf/run", json={"as_of": LONG, "workers": 4}).json()
        found = answer["data"]["symbols"]["LINKUSDT"]
        assert (found["status"], found["signal_side"]) == ("READY", "long")
        assert found["trading_decision"]["status"] == "simulated"

        run_id = answer["data"]["run"]["run_id"]
        stored = client.get(f"/api/runs/{run_id}").json()
        assert {d["symbol"]: d["status"] for d in stored["decisions"]} == {
            symbol: one["status"] for symbol, one in answer["data"]["symbols"].items()
        }
        why = client.get(f"/api/decisions/{run_id}.BTCUSDT/explain").json()
        assert why["explanation"]["sentence"]

        profile = Path(settings.rules_dir) / "profiles/scalper_micro/validation.yaml"
        profile.write_text(profile.read_text().replace("- rsi_lt_70", "- rsi_lt_70: {threshold: 1}"))
        again = client.post("/api/mtf/run", json={"as_of": LONG}).json()["data"]
        assert again["symbols"]["LINKUSDT"]["status"] == "INVALID"
        then = client.get(f"/api/decisions/{run_id}.LINKUSDT/explain").json()
        assert then["explanation"]["sentence"].startswith("READY long on 1m")


def test_runs_at_the_same_time(settings: Settings) -> None:
    """Overlapping runs answer the same, each under its own id, and all are in the journal."""
    with serving(create_app(settings)) as address:

        def run(workers: int) -> dict:
            body = {"as_of": LONG, "workers": workers}
            return httpx.post(f"{address}/api/mtf/run", json=body, timeout=60).json()["data"]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(run, [1, 2, 3, 4, 8, 16, 1, 2]))
        assert len({data["run"]["run_id"] for data in answers}) == len(answers)
        assert all(data["symbols"] == answers[0]["symbols"] for data in answers)
        assert httpx.get(f"{address}/api/runs").json()["total"] == len(answers)
