"""YAML documents with positions: reading, shape, and problems as ``file:line:column: message; hint``."""

from engine.documents.document import ReadDocument, read_bytes, read_document, read_file, validate
from engine.documents.nearest import nearest
from engine.documents.node import (
    Entry,
    ListNode,
    MapNode,
    Node,
    Path,
    Plain,
    ScalarNode,
    at,
    plain,
    position_of_key,
    position_of_value,
    walk,
)
from engine.documents.problem import Position, Problem, did_you_mean
from engine.documents.schema import schema_dir, schema_text, write_schemas

__all__ = [
    "Entry",
    "ListNode",
    "MapNode",
    "Node",
    "Path",
    "Plain",
    "Position",
    "Problem",
    "ReadDocument",
    "ScalarNode",
    "at",
    "did_you_mean",
    "nearest",
    "plain",
    "position_of_key",
    "position_of_value",
    "read_bytes",
    "read_document",
    "read_file",
    "schema_dir",
    "schema_text",
    "validate",
    "walk",
    "write_schemas",
]
