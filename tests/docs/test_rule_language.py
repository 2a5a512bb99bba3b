"""Every example of the rule language is loaded by the product, or evaluated by it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from fences import PAGES, ROOT, Fence, cases, fences
from ruamel.yaml import YAML

from engine.documents import read_document
from engine.expression import Expression, ExpressionError, Scope
from engine.models.facts import FactsDocument
from engine.ruleset import load
from server.fixed_code import FIXED_CODE

DOCUMENTS = [fence for page in PAGES for fence in fences(page, "yaml") if "kind:" in fence.text]
SHARED = [fence for fence in DOCUMENTS if "kind: validation" not in fence.text]
LANGUAGE = ROOT / "docs" / "rule-language.md"
EXPRESSIONS = [case for fence in fences(LANGUAGE, "expressions") for case in cases(fence)]
REFUSED = [case for fence in fences(LANGUAGE, "refused") for case in cases(fence)]

VALUES = {"close": 100.0, "ema_9": 98.0, "ema_21": 99.0, "vwap": 0.0, "rsi": np.nan}
"""As the page gives them."""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "rules", tmp_path / "rules"))


def units() -> dict[str, str]:
    document = YAML(typ="safe").load((ROOT / "rules" / "facts.yaml").read_text())
    return {name: fact.unit for name, fact in FactsDocument.model_validate(document).facts.items()}


SCOPE = Scope(units(), {}, frozenset({"1m", "5m", "15m", "1h", "4h"}))


@pytest.mark.parametrize("fence", DOCUMENTS, ids=str)
def test_a_document_has_the_shape_of_its_kind(fence: Fence) -> None:
    read = read_document(str(fence), fence.text)

    assert read.problems == ()


@pytest.mark.parametrize("fence", [f for f in SHARED if not f.note], ids=str)
def test_a_document_fits_into_the_shipped_rules(fence: Fence, rules: Path) -> None:
    put_into(rules, fence.text)

    load(rules, FIXED_CODE)


def profile_fence(name: str) -> Fence:
    (fence,) = (f for f in DOCUMENTS if f"kind: validation\nprofile: {name}\n" in f.text)
    return fence


def test_the_profile_extends_the_shipped_one(rules: Path) -> None:
    put_profile(rules, profile_fence("cautious").text)

    profile = load(rules, FIXED_CODE).profiles["cautious"]

    assert profile.validation.execution_timeframes == ["1m"], "inherited"
    assert len(profile.validation.timeframes["1m"].long) == 1, "a list replaces"
    assert profile.validation.timeframes["1m"].short, "a map merges"
    assert profile.rules.timeframes["1m"].filters["execution", "short"]


def test_the_profile_walks(rules: Path) -> None:
    put_profile(rules, profile_fence("patient").text)

    walk = load(rules, FIXED_CODE).profiles["patient"].rules.walk

    assert walk is not None
    assert walk.default == "5m"
    assert [bool(groups.stay) for groups in walk.groups] == [True, False]
    assert walk.one_minute is None, "the rule is switched off"


@pytest.mark.parametrize(("text", "outcome"), EXPRESSIONS)
def test_an_expression_comes_to_what_the_page_says(text: str, outcome: str) -> None:
    binding = Expression.read(text, SCOPE).bind({}, "1m")
    slots = {ref: number for number, ref in enumerate(binding.facts())}
    with np.errstate(all="ignore"):
        yes, no = binding.compile(lambda ref: slots[ref])([np.array([VALUES[ref.name]]) for ref in slots])

    assert {(True, False): "pass", (False, True): "fail", (False, False): "unknown"}[
        bool(np.all(yes)), bool(np.all(no))
    ] == outcome


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_an_expression_is_refused_as_the_page_says(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        Expression.read(text, SCOPE)

    assert message in refused.value.problems[0].message


def test_the_page_has_examples_of_everything() -> None:
    kinds = {re.search(r"kind: (\w+)", fence.text)[1] for fence in fences(LANGUAGE, "yaml")}

    assert kinds == {"facts", "conditions", "validation", "gate"}
    assert {outcome for _, outcome in EXPRESSIONS} == {"pass", "fail", "unknown"}
    assert len(REFUSED) >= 5


def put_into(rules: Path, text: str) -> None:
    """Adds the entries of a document to those of its kind, or takes its place where it is a gate."""
    yaml = YAML()
    given = yaml.load(text)
    if given["kind"] == "gate":
        (rules / "gates" / f"{given['gate']}.yaml").write_text(text)
        return
    if given["kind"] == "conditions":
        (rules / "conditions" / "more.yaml").write_text(text)
        return
    file = rules / f"{given['kind']}.yaml"
    document = yaml.load(file.read_text())
    for part in (given["kind"], "metrics"):
        if part in given:
            document[part] |= given[part]
    with file.open("w") as out:
        yaml.dump(document, out)


def put_profile(rules: Path, text: str) -> None:
    """Makes a folder for a profile whose other documents only extend the shipped ones, and lists it."""
    name = re.search(r"^profile: (\w+)", text, re.MULTILINE)[1]
    folder = rules / "profiles" / name
    folder.mkdir()
    (folder / "validation.yaml").write_text(text)
    for kind in ("trade_entry", "contracts"):
        lines = (f"kind: {kind}", f"profile: {name}", "version: 1", "extends: scalper_micro")
        (folder / f"{kind}.yaml").write_text("\n".join(lines) + "\n")
    service = rules / "service.yaml"
    service.write_text(f"{service.read_text().rstrip()}\n  - {{name: {name}, enabled: false}}\n")
