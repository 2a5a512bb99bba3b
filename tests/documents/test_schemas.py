"""The schema files are made from the models, committed, and what the check and an editor go by."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.documents import schema_dir, schema_text, write_schemas
from engine.documents.schema import read_schema
from engine.models import KINDS


def test_the_committed_schemas_are_current(tmp_path: Path) -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in write_schemas(tmp_path)}
    committed = {path.name: path.read_text(encoding="utf-8") for path in schema_dir().glob("*.json")}
    assert committed == written, "run 'make schemas'"


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(read_schema(kind))
    assert schema_text(kind).endswith("}\n")


@pytest.mark.parametrize("kind", [kind for kind, model in KINDS.items() if "extends" in model.model_fields])
def test_extends_needs_no_other_key_and_allows_no_unknown_one(kind: str) -> None:
    validator = Draft202012Validator(read_schema(kind))
    head = {"kind": kind, "version": 1, "profile": "p"}
    assert validator.is_valid({**head, "extends": "q"})
    assert not validator.is_valid(head)
    assert not validator.is_valid({**head, "extends": "q", "colour": 1})
    assert not validator.is_valid({"kind": kind, "version": 1, "extends": "q"})
