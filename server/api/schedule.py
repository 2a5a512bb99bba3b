"""Runs by the clock: which slots were taken, and what became of them."""

from __future__ import annotations

from typing import Any

from server.api.endpoint import Endpoint
from server.api.history import PAGE_PARAMETERS, PAGE_SIZE
from server.api.parameters import choice, instant, name
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.venues import EXCHANGE, exchange_of
from server.instants import machine_ms
from server.overview.schedule import SlotPage, slot_json
from server.schedule.slots import STATUSES, SlotFilter, Slots
from server.service import Service


async def schedule(request: AnyRequest, service: Service, values: Values) -> Any:
    wanted = SlotFilter(
        exchange=None if "exchange" not in values else exchange_of(service, values),
        profile=values.get("profile"),
        status=values.get("status"),
        from_ms=values.get("from"),
        to_ms=values.get("to"),
    )
    found = await Slots(service.database).page(
        wanted,
        now_ms=machine_ms(),
        page=values.get("page", 1),
        page_size=values.get("page_size", PAGE_SIZE),
    )
    return found.to_json(lambda slot: dict(slot_json(slot)))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/schedule",
        name="schedule",
        tag="runs",
        summary="Slots of the schedule, newest first, with what became of each",
        description="`done` and `failed` have a run; `begun` runs now; `skipped` had an earlier run in its "
        "way, `missed` was begun by nobody in time, and of `died` the process ended before its run. None of "
        "them is run later. Empty where `serve` never ran with `--every`.",
        needs="read",
        handler=schedule,
        answers={200: SlotPage},
        parameters=(
            EXCHANGE,
            name("profile", "Only slots of this profile."),
            choice("status", "Only slots that stand so.", STATUSES),
            instant("from", "Slots from here on, by the clock of the venue."),
            instant("to", "Slots up to here, itself included."),
            *PAGE_PARAMETERS,
        ),
        problems=(400, 503),
    ),
)
