"""What a caller is promised: ids run once, ends are known, failures wait for the operator, rows hold JSON."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest
from durable_processes import until
from durable_tales import argument, read, tale, what
from sqlalchemy import MetaData, Table, create_engine, insert, inspect, select, text

from server.database import DatabaseAddress
from server.durable import (
    Done,
    Durable,
    DurableError,
    Failed,
    Json,
    Missing,
    Running,
    StepFailed,
    Steps,
)
from server.durable.engine import open_durable


@pytest.fixture
async def durable(address: DatabaseAddress) -> AsyncIterator[Durable]:
    async with open_durable(address, {"tale": tale, "odd": odd}) as durable:
        yield durable


async def odd(steps: Steps, argument: Json) -> Json:
    """Does what no workflow may."""

    async def answers_with_a_decimal() -> Json:
        return {"price": [Decimal(1)]}  # type: ignore[dict-item]

    match argument:
        case "step":
            return await steps.step("odd", answers_with_a_decimal)
        case "caught":
            try:
                return await steps.step("odd", answers_with_a_decimal)
            except StepFailed as error:
                return str(error)
        case _:
            return await answers_with_a_decimal()


async def test_an_id_runs_once(durable: Durable, told: Path) -> None:
    story = argument(told, ["step", "a", 0.1])
    assert await durable.result("one", 0) == Missing()
    await asyncio.gather(*(durable.start("tale", "one", story) for _ in range(5)))
    assert await durable.result("one", 0) == Running()
    ends = await asyncio.gather(*(durable.result("one", 10) for _ in range(3)))
    assert ends == [Done([{"name": "a"}])] * 3
    await durable.start("tale", "one", argument(told, ["step", "b", 0]))
    await durable.enqueue("tale", "one", argument(told, ["step", "c", 0]))
    assert await durable.result("one", 10) == Done([{"name": "a"}])
    assert what(told, "one") == ["tale", "a begins", "a ends"]


async def test_a_wait_ends_with_its_time_and_the_workflow_goes_on(durable: Durable, told: Path) -> None:
    await durable.start("tale", "one", argument(told, ["sleep", 0.5], ["step", "a", 0]))
    began = time.monotonic()
    assert await durable.result("one", 0.1) == Running()
    assert time.monotonic() - began < 0.4
    assert [(w.workflow_id, w.name, w.taken) for w in await durable.unfinished()] == [("one", "tale", True)]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(durable.result("one", 10), 0.1)
    assert await durable.result("one", 10) == Done([{"name": "a"}])
    assert await durable.unfinished() == []


async def test_a_caller_who_gives_up_has_started_it_all_the_same(durable: Durable, told: Path) -> None:
    starting = asyncio.create_task(durable.start("tale", "one", argument(told, ["step", "a", 0])))
    await asyncio.sleep(0)
    starting.cancel()
    await until(lambda: what(told, "one")[-1:] == ["a ends"])


async def test_what_is_enqueued_begins_soon(durable: Durable, told: Path) -> None:
    # The first look at a queue that nobody had before takes DBOS a second.
    await durable.enqueue("tale", "first", argument(told))
    assert isinstance(await durable.result("first", 10), Done)
    asked = time.time()
    await durable.enqueue("tale", "second", argument(told))
    assert await durable.result("second", 10) == Done([])
    assert read(told)[-1].at - asked < 1


async def test_brief_ones_are_only_enqueued_and_nobody_else_s_concern(
    address: DatabaseAddress, told: Path
) -> None:
    async with open_durable(address, {"tale": tale}, brief={"brief": tale}) as durable:
        with pytest.raises(DurableError, match="'brief' is brief"):
            await durable.start("brief", "one", argument(told))
        await durable.enqueue("brief", "one", argument(told, ["step", "a", 0.5]))
        await until(lambda: "a begins" in what(told, "one"))
        await durable.start("tale", "lasting", argument(told, ["step", "b", 0.5]))
        assert [one.workflow_id for one in await durable.unfinished(1)] == ["lasting"]
        await durable.forget("one")
        assert await durable.result("one", 10) == Done([{"name": "a"}])
        await durable.forget("one")
        assert await durable.result("one", 0) == Missing()
        await durable.enqueue("brief", "two", argument(told, ["needs", str(told / "nothing")]))
        assert isinstance(await durable.result("two", 10), Failed)
        assert await durable.failed() == []
        assert await durable.result("lasting", 10) == Done([{"name": "b"}])


async def test_who_waits_sees_whether_anybody_has_taken_it(address: DatabaseAddress, told: Path) -> None:
    async with open_durable(address, {}, brief={"brief": tale}, takes_work=False) as durable:
        await durable.enqueue("brief", "one", argument(told))
        outcome = await durable.result("one", 0)
        assert isinstance(outcome, Running) and not outcome.taken


async def test_a_failure_is_seen_and_runs_again_only_when_it_is_told_to(
    durable: Durable, told: Path, tmp_path: Path
) -> None:
    lacking = tmp_path / "lacking"
    await durable.start("tale", "one", argument(told, ["step", "a", 0], ["needs", str(lacking)]))
    failure = await durable.result("one", 10)
    assert isinstance(failure, Failed)
    assert failure.error.startswith("FileNotFoundError: ")
    (seen,) = await durable.failed()
    assert (seen.workflow_id, seen.name, seen.error) == ("one", "tale", failure.error)
    assert seen.created_at <= seen.failed_at <= time.time() * 1000
    lacking.write_text("here")
    await durable.start("tale", "one", argument(told))
    assert await durable.status("one") == failure

    await durable.retry("one")
    assert await durable.result("one", 10) == Done([{"name": "a"}, "here"])
    assert what(told, "one").count("a ends") == 2, "what the steps had seen is old"
    assert await durable.failed() == []
    await durable.retry("one")
    assert await durable.result("one", 10) == Done([{"name": "a"}, "here"])
    assert what(told, "one").count("a ends") == 3, "one that succeeded runs again too, when somebody says so"
    with pytest.raises(DurableError, match="only a finished one"):
        await durable.retry("unknown")


async def test_only_json_is_stored(durable: Durable, told: Path, address: DatabaseAddress) -> None:
    for unfit in (Decimal(1), (1, 2), {1: 2}, float("nan"), {"a": [b"bytes"]}, {"entrygate:error": "text"}):
        with pytest.raises(DurableError, match="cannot be stored"):
            await durable.start("tale", "unfit", unfit)  # type: ignore[arg-type]
    assert await durable.status("unfit") == Missing()
    for how in ("step", "result"):
        await durable.start("odd", how, how)
        assert await durable.result(how, 10) == Failed(
            "TypeError: value.price[0] is of type Decimal, which cannot be stored"
        )
    await durable.start("odd", "caught", "caught")
    assert isinstance(await durable.result("caught", 10), Done)

    given: Json = {"a": [1, 1.5, None, True, "ü'\"\\"], "b": {"args": [], "kwargs": {"c": {}}}}
    await durable.start("tale", "all", {"told": str(told), "acts": [["step", "a", 0]], "more": given})
    await durable.enqueue("tale", "queued", argument(told, ["step", "a", 0], ["sleep", 0.01]))
    for workflow_id in ("all", "queued"):
        assert isinstance(await durable.result(workflow_id, 10), Done)
    found = _stored(address)
    assert len([value for value in found if "inputs" in value]) >= 5
    for value in found.values():
        json.loads(value)


def _stored(address: DatabaseAddress) -> dict[str, str]:
    """Every value that DBOS stored for the application, by table, column and a number."""
    values: dict[str, str] = {}
    engine = create_engine(address.sync_url)
    schema = None if address.file else "dbos"
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names(schema=schema):
            named = f"{schema}.{table}" if schema else table
            columns = {column["name"] for column in inspect(connection).get_columns(table, schema=schema)}
            for column in columns & {"inputs", "output", "error", "message", "value", "context"}:
                query = text(f'SELECT "{column}" FROM {named} WHERE "{column}" IS NOT NULL')
                for number, (value,) in enumerate(connection.execute(query)):
                    values[f"{table}.{column} {number}"] = value
            if "serialization" in columns:
                query = text(f"SELECT DISTINCT serialization FROM {named}")
                kinds = {value for (value,) in connection.execute(query)}
                assert kinds <= {None, "entrygate-json", "portable_json"}, f"{table} is written another way"
    engine.dispose()
    return values


async def test_finished_workflows_are_forgotten_in_time(durable: Durable, told: Path) -> None:
    await durable.start("tale", "done", argument(told, ["step", "a", 0]))
    await durable.start("tale", "failed", argument(told, ["needs", str(told / "nothing")]))
    await durable.start("tale", "waits", argument(told, ["sleep", 60]))
    for workflow_id in ("done", "failed"):
        assert not isinstance(await durable.result(workflow_id, 10), Running)
    assert await durable.prune(3_600_000) == 0
    await asyncio.sleep(0.01)
    assert await durable.prune(0) == 2
    assert [await durable.status(i) for i in ("done", "failed", "waits")] == [Missing(), Missing(), Running()]


async def test_all_that_is_unfinished_is_told(address: DatabaseAddress, told: Path) -> None:
    many = 1200
    async with open_durable(address, {"tale": tale}, takes_work=False) as durable:
        await durable.enqueue("tale", "first", argument(told))
        engine = create_engine(address.sync_url)
        schema = None if address.file is not None else "dbos"
        table = Table("workflow_status", MetaData(), schema=schema, autoload_with=engine)
        with engine.begin() as connection:
            row = dict(connection.execute(select(table)).mappings().one())
            connection.execute(insert(table), [row | {"workflow_uuid": f"copy{n}"} for n in range(many)])
        engine.dispose()
        found = await durable.unfinished()
        assert len({one.workflow_id for one in found}) == many + 1
        assert len(await durable.unfinished(10)) == 10


async def test_a_name_must_be_known(durable: Durable, told: Path) -> None:
    for act in (durable.start, durable.enqueue):
        with pytest.raises(DurableError, match="no workflow is named 'novel'"):
            await act("novel", "one", argument(told))


async def test_what_was_cut_off_by_closing_goes_on_after_opening(
    address: DatabaseAddress, told: Path
) -> None:
    workflows: dict[str, Callable[..., object]] = {"tale": tale}
    past = int(time.time() * 1000) - 1000
    async with open_durable(address, workflows) as durable:
        with pytest.raises(DurableError, match="only once"):
            async with open_durable(address, workflows):
                pass
        story = argument(told, ["until", past], ["sleep", 0], ["step", "a", 0], ["step", "b", 1])
        await durable.start("tale", "one", story)
        await until(lambda: "b begins" in what(told, "one"))
        closing = time.monotonic()
    assert time.monotonic() - closing < 1
    assert await asyncio.to_thread(lambda: "a thread") == "a thread"
    assert "b ends" not in what(told, "one")
    async with open_durable(address, workflows) as durable:
        assert await durable.result("one", 10) == Done([{"name": "a"}, {"name": "b"}])
    steps = [line for line in what(told, "one") if line[0] in "ab"]
    assert steps == ["a begins", "a ends", "b begins", "b begins", "b ends"]
