"""What decides: the reasons, the conditions, the profiles, and every value of one with its origin."""

from __future__ import annotations

from litestar.exceptions import NotFoundException

from engine.documents.nearest import nearest
from engine.ruleset import EffectiveValue, Ruleset, described
from server.api.endpoint import Endpoint
from server.api.history import PAGE_PARAMETERS, PAGE_SIZE
from server.api.parameters import name as text
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.shapes import ProfileDetail, ProfileEntry, Profiles, ProfileValue, Reasons
from server.overview.conditions import condition_json, select
from server.overview.shapes import ConditionEntry, ConditionPage
from server.service import Service


async def reasons(request: AnyRequest, service: Service, values: Values) -> Reasons:
    ruleset, _ = await service.rules.now()
    return {
        "reasons": [
            {
                "code": code,
                "stage": reason.stage,
                "status": reason.status,
                "also": [{"stage": other.stage, "status": other.status} for other in reason.also],
                "meaning": reason.meaning,
                "remedy": reason.remedy,
                "replaces": list(reason.replaces),
            }
            for code, reason in ruleset.reasons.items()
        ]
    }


async def conditions(request: AnyRequest, service: Service, values: Values) -> ConditionPage:
    ruleset, _ = await service.rules.now()
    found = select(described(ruleset), profile=values.get("profile"), fact=values.get("fact"))
    page, size = values.get("page", 1), values.get("page_size", PAGE_SIZE)
    return {
        "items": [condition_json(entry) for entry in found[(page - 1) * size : page * size]],
        "page": page,
        "page_size": size,
        "total": len(found),
    }


async def condition(request: AnyRequest, service: Service, values: Values) -> ConditionEntry:
    ruleset, _ = await service.rules.now()
    name, known = values["name"], described(ruleset)
    for entry in known:
        if entry.name == name:
            return condition_json(entry)
    meant = nearest(name, [entry.name for entry in known])
    raise NotFoundException(f"no condition {name!r}" + (f"; did you mean {meant!r}?" if meant else ""))


async def profiles(request: AnyRequest, service: Service, values: Values) -> Profiles:
    ruleset, _ = await service.rules.now()
    return {"profiles": [_entry(ruleset, entry.name, entry.enabled) for entry in ruleset.service.profiles]}


async def profile(request: AnyRequest, service: Service, values: Values) -> ProfileDetail:
    ruleset, _ = await service.rules.now()
    name = values["name"]
    found = next((entry for entry in ruleset.service.profiles if entry.name == name), None)
    if found is None:
        meant = nearest(name, ruleset.profiles)
        raise NotFoundException(f"no profile {name!r}" + (f"; did you mean {meant!r}?" if meant else ""))
    entry = _entry(ruleset, name, found.enabled)
    return {**entry, "values": [_value(value) for value in ruleset.effective(name)]}


def _entry(ruleset: Ruleset, name: str, enabled: bool) -> ProfileEntry:
    profile = ruleset.profiles[name]
    rules = profile.validation
    return {
        "name": name,
        "enabled": enabled,
        "default": name == ruleset.default_profile,
        "version": rules.version,
        "summary": rules.summary,
        "mode": rules.mode,
        "context_timeframes": list(rules.context_timeframes),
        "execution_timeframes": list(rules.execution_timeframes),
        "fingerprint": profile.fingerprint,
    }


def _value(value: EffectiveValue) -> ProfileValue:
    return {
        "path": value.path,
        "value": value.value,
        "file": value.file,
        "line": value.line,
        "origin": "default" if value.file is None else f"{value.file}:{value.line}",
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/reasons",
        name="reasons",
        tag="configuration",
        summary="Every reason code: stage, status, meaning, remedy",
        needs="read",
        handler=reasons,
        answers={200: Reasons},
        problems=(400,),
    ),
    Endpoint(
        method="GET",
        path="/api/conditions",
        name="conditions",
        tag="configuration",
        summary="The conditions: formula, parameters, facts, and which profiles use them",
        needs="read",
        handler=conditions,
        answers={200: ConditionPage},
        parameters=(
            text("profile", "Only conditions that this profile uses."),
            text("fact", "Only conditions that read this fact."),
            *PAGE_PARAMETERS,
        ),
        problems=(400,),
    ),
    Endpoint(
        method="GET",
        path="/api/conditions/{name}",
        name="condition",
        tag="configuration",
        summary="One condition",
        needs="read",
        handler=condition,
        answers={200: ConditionEntry},
        places={"name": "Name of a condition."},
        problems=(400, 404),
    ),
    Endpoint(
        method="GET",
        path="/api/profiles",
        name="profiles",
        tag="configuration",
        summary="The profiles, and which is the default",
        needs="read",
        handler=profiles,
        answers={200: Profiles},
        problems=(400,),
    ),
    Endpoint(
        method="GET",
        path="/api/profiles/{name}",
        name="profile",
        tag="configuration",
        summary="Effective configuration of a profile, each value with its file and line",
        needs="read",
        handler=profile,
        answers={200: ProfileDetail},
        places={"name": "Name of a profile."},
        problems=(400, 404),
    ),
)
