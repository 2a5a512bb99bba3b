"""The effective configuration of a profile: every value, and the file and line it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from engine.documents import ListNode, MapNode, Node, Plain, ScalarNode, plain


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """One value. ``path`` reads ``validation.timeframes.5m.long[0]``; a default of the engine has no file."""

    path: str
    value: Plain
    file: str | None
    line: int | None


def effective_values(
    kind: str, root: Node, model: Mapping[str, Any], relative: Callable[[str], str]
) -> Iterator[EffectiveValue]:
    """The values of one effective document, then the defaults that it leaves to the engine.

    ``model`` is the plain form of its model; ``relative`` makes a shown file name relative to the folder.
    """
    yield from _written(kind, root, relative)
    yield from _defaults(kind, root, model)


def _written(path: str, node: Node, relative: Callable[[str], str]) -> Iterator[EffectiveValue]:
    if isinstance(node, MapNode) and node.entries:
        for key, entry in node.entries.items():
            yield from _written(f"{path}.{key}", entry.value, relative)
    elif isinstance(node, ListNode) and any(not isinstance(item, ScalarNode) for item in node.items):
        for index, item in enumerate(node.items):
            yield from _written(f"{path}[{index}]", item, relative)
    else:
        yield EffectiveValue(path, plain(node), relative(node.position.file), node.position.line)


def _defaults(path: str, node: Node, model: Mapping[str, Any]) -> Iterator[EffectiveValue]:
    if not isinstance(node, MapNode):
        return
    for key, value in model.items():
        inner = node.get(key)
        if inner is None:
            yield from _leaves(f"{path}.{key}", value)
        elif isinstance(value, dict):
            yield from _defaults(f"{path}.{key}", inner, cast("dict[str, Any]", value))


def _leaves(path: str, value: Any) -> Iterator[EffectiveValue]:
    inner_values = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    for key, inner in inner_values.items():
        yield from _leaves(f"{path}.{key}", inner)
    if not inner_values:
        yield EffectiveValue(path, cast(Plain, value), None, None)
