"""What decides: the registry of reasons, the profiles, and every value of one with its origin."""

from __future__ import annotations

from litestar.exceptions import NotFoundException

from engine.documents.nearest import nearest
from engine.ruleset import EffectiveValue, Ruleset
from server.api.endpoint import Endpoint
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.shapes import ProfileDetail, ProfileEntry, Profiles, ProfileValue, Reasons
from server.service import Service


async def reasons(request: AnyRequest, service: Service, values: Values) -> Reasons:
    ruleset, _ = await service.rules.now()
    return {
        "reasons": [
            {
                "code": code,
                "stage": reason.stage,
                "status": reason.status,
                "meaning": reason.meaning,
                "remedy": reason.remedy,
                "replaces": list(reason.replaces),
            }
            for code, reason in ruleset.reasons.items()
        ]
    }


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
