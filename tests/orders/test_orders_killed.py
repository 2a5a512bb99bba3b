"""A process that is killed in the middle of a change leaves all of it or nothing."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from order_rows import ACCOUNT, NOW, VENUE, recorded

from server.orders.store import Orders

KILLED = """
# One child after the other makes the same change; the n-th is killed after its n-th statement or before its
# commit, and the last one is not.
import asyncio, os, signal, sys
from order_rows import NOW, event
from sqlalchemy import Engine, event as listen
from server.database import Database, DatabaseAddress
from server.orders.holds import Hold
from server.orders.store import Orders

address = DatabaseAddress.parse(sys.argv[1])

async def run(last):
    orders = Orders(Database.open(address))
    intent = await orders.intent(sys.argv[2])
    executed = 0

    def dies(*_):
        nonlocal executed
        executed += 1
        if executed == last:
            os.kill(os.getpid(), signal.SIGKILL)

    listen.listen(Engine, "after_cursor_execute", dies)
    listen.listen(Engine, "commit", dies)
    await orders.change(
        intent,
        state="closed",
        status="submitted",
        reason="position_closed_stop",
        events=[event("filled", NOW + 1), event("closed", NOW + 2)],
        names=[("EGSTOP", "stop", 1)],
        hold=Hold("BTCUSDT", intent.decision_key, "stopped_out", NOW + 3),
    )
    await orders.database.close()

last, ended, seen = 0, signal.SIGKILL, []
while ended == signal.SIGKILL:
    last += 1
    child = os.fork()
    if not child:
        asyncio.run(run(last))
        os._exit(0)
    ended = os.waitpid(child, 0)[1]

    async def look():
        orders = Orders(Database.open(address))
        intent = await orders.intent(sys.argv[2])
        (hold,) = await orders.holds("paper", "main", NOW)
        journey, names = await orders.journey(sys.argv[2]), await orders.names(sys.argv[2])
        await orders.database.close()
        return intent.state, intent.version, hold.cause, len(journey), len(names)

    child_saw = os.pipe()
    child = os.fork()
    if not child:
        os.write(child_saw[1], repr(asyncio.run(look())).encode())
        os._exit(0)
    os.waitpid(child, 0)
    seen.append(os.read(child_saw[0], 1000).decode())
print(last, ended, *seen, sep="\\n")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
async def test_a_change_is_made_whole_or_not_at_all(database_url: str, orders: Orders) -> None:
    stored = await recorded(orders)
    paths = os.pathsep.join(path for path in sys.path if path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, database_url, stored.decision_key),
        env={**os.environ, "PYTHONPATH": paths},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    last, ended, *seen = out.decode().splitlines()
    assert ended == "0"
    assert int(last) > 5, "a change takes more than five statements"
    assert seen[:-1] == [repr(("recorded", 1, "under_way", 2, 1))] * (int(last) - 1)
    assert seen[-1] == repr(("closed", 2, "stopped_out", 4, 2))
    assert await orders.under_way(VENUE, ACCOUNT) == ()
    assert (await orders.intent(stored.decision_key)).updated_at == NOW + 2
