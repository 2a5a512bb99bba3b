"""Arrays and documents as bytes: little endian, self-describing, compressed by zlib, never unpickled.

Version 1, before compression: version (uint8) and number of arrays (uint16); per array its kind (``d`` for
float64, ``q`` int64, ``B`` uint8), number of dimensions (uint8) and each of them (uint32); then the contents
in that order. Those of eight bytes an item are stored as eight planes: first byte of every item, second byte
of every item, and so on, because the high bytes of a column's numbers are alike.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.journal.errors import JournalError

VERSION = 1
_KINDS = {"d": np.dtype("<f8"), "q": np.dtype("<i8"), "B": np.dtype("u1")}
_HEAD = struct.Struct("<BH")
_ARRAY = struct.Struct("<cB")
_LEVEL = 6

Array = NDArray[Any]
Bytes = NDArray[np.uint8]


def pack(arrays: Sequence[Array]) -> bytes:
    """Bytes that ``unpack`` makes the same arrays of, bit for bit. Raises ``TypeError`` for other dtypes."""
    heads, bodies = [_HEAD.pack(VERSION, len(arrays))], list[bytes]()
    for array in arrays:
        kind = array.dtype.char if array.dtype.char != "l" else "q"
        if kind not in _KINDS:
            raise TypeError(f"arrays of {array.dtype} are not stored")
        heads.append(_ARRAY.pack(kind.encode(), array.ndim) + struct.pack(f"<{array.ndim}I", *array.shape))
        flat = np.ascontiguousarray(array, dtype=_KINDS[kind]).reshape(-1)
        bodies.append(flat.tobytes() if kind == "B" else flat.view(np.uint8).reshape(-1, 8).T.tobytes())
    return b"".join((*heads, *bodies))


def unpack(content: bytes) -> list[Array]:
    """The arrays; writable copies. Raises ``JournalError`` for another version or a wrong length."""
    version, count = _HEAD.unpack_from(content)
    if version != VERSION:
        raise JournalError(f"stored columns are of version {version}; this one reads {VERSION}")
    at, shapes = _HEAD.size, list[tuple[str, tuple[int, ...]]]()
    for _ in range(count):
        kind, dimensions = _ARRAY.unpack_from(content, at)
        at += _ARRAY.size
        shapes.append((kind.decode(), struct.unpack_from(f"<{dimensions}I", content, at)))
        at += 4 * dimensions
    arrays: list[Array] = []
    for kind, shape in shapes:
        dtype = _KINDS[kind]
        size = prod(shape) * dtype.itemsize
        part = np.frombuffer(content, np.uint8, count=size, offset=at)
        at += size
        items = part if kind == "B" else np.ascontiguousarray(part.reshape(8, -1).T).view(dtype)
        arrays.append(items.reshape(shape).astype(dtype.newbyteorder("="), copy=True))
    if at != len(content):
        raise JournalError("stored columns have bytes left over")
    return arrays


def pack_outcomes(codes: NDArray[np.int8]) -> Bytes:
    """Outcome codes (0 to 2), flattened, four to a byte."""
    flat = np.zeros(-(-codes.size // 4) * 4, dtype=np.uint8)
    flat[: codes.size] = codes.reshape(-1)
    places = np.array([1, 4, 16, 64], dtype=np.uint8)
    return (flat.reshape(-1, 4) * places).sum(axis=1, dtype=np.uint8)


def unpack_outcomes(packed: Bytes, shape: tuple[int, int]) -> NDArray[np.int8]:
    """The codes again, in ``shape``."""
    spread = np.stack([packed >> shift & 3 for shift in (0, 2, 4, 6)], axis=-1)
    return spread.reshape(-1)[: prod(shape)].reshape(shape).astype(np.int8)


def document(value: object) -> bytes:
    """A JSON document; the same value always gives the same bytes, and every float comes back as it was."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def read_document(content: bytes) -> Any:
    """The value of a document."""
    return json.loads(content)


def compress(content: bytes) -> bytes:
    """What is stored of ``content``."""
    return zlib.compress(content, _LEVEL)


def expand(payload: bytes) -> bytes:
    """The content of what was stored. Raises ``JournalError`` where it is damaged."""
    try:
        return zlib.decompress(payload)
    except zlib.error as error:
        raise JournalError(f"stored content is damaged: {error}") from error


def digest(content: bytes) -> bytes:
    """SHA-256 of content before compression, so that a faster zlib does not store it again."""
    return hashlib.sha256(content).digest()


def read_block(key: bytes, payload: bytes) -> bytes:
    """The content of a block. Raises ``JournalError`` where it is not what ``key`` says."""
    content = expand(payload)
    if digest(content) != key:
        raise JournalError("stored content is damaged: its SHA-256 is another")
    return content
