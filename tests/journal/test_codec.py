"""Columns as bytes and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from server.journal import JournalError, codec

shapes = hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=7)
floats = hnp.arrays(np.float64, shapes, elements=st.floats(width=64))
bits = hnp.arrays(np.uint64, shapes, elements=st.integers(0, 2**64 - 1)).map(lambda a: a.view(np.float64))
integers = hnp.arrays(np.int64, shapes, elements=st.integers(-(2**63), 2**63 - 1))
octets = hnp.arrays(np.uint8, shapes)


@settings(deadline=None)
@given(st.lists(st.one_of(floats, bits, integers, octets), max_size=5))
def test_arrays_come_back_bit_for_bit(arrays: list[codec.Array]) -> None:
    content = codec.pack(arrays)
    back = codec.unpack(codec.expand(codec.compress(content)))
    assert [(a.dtype, a.shape, a.tobytes()) for a in back] == [
        (a.dtype, a.shape, a.tobytes()) for a in arrays
    ]
    assert codec.pack(back) == content


def test_views_are_stored_as_what_they_show() -> None:
    grid = np.arange(24.0).reshape(4, 6)
    views = [grid[:, 1], grid[::2], grid.T, grid[:, [True, False] * 3]]
    assert all(np.array_equal(a, b) for a, b in zip(codec.unpack(codec.pack(views)), views, strict=True))


@given(hnp.arrays(np.int8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0), elements=st.integers(0, 2)))
def test_outcomes_come_back(codes: np.ndarray) -> None:
    packed = codec.pack_outcomes(codes)
    assert packed.size <= -(-codes.size // 4)
    assert np.array_equal(codec.unpack_outcomes(packed, codes.shape), codes)


def test_other_arrays_are_refused() -> None:
    with pytest.raises(TypeError, match="complex128"):
        codec.pack([np.zeros(2, dtype=np.complex128)])


def test_a_later_layout_is_refused() -> None:
    content = bytearray(codec.pack([np.zeros(2)]))
    content[0] = codec.VERSION + 1
    with pytest.raises(JournalError, match="version 2"):
        codec.unpack(bytes(content))


def test_damage_is_noticed() -> None:
    content = codec.pack([np.arange(50.0)])
    key, payload = codec.digest(content), bytearray(codec.compress(content))
    assert codec.read_block(key, bytes(payload)) == content
    payload[len(payload) // 2] ^= 1
    with pytest.raises(JournalError, match="damaged"):
        codec.read_block(key, bytes(payload))
    with pytest.raises(JournalError, match="SHA-256"):
        codec.read_block(codec.digest(b"other"), codec.compress(content))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_in_documents_come_back(value: float) -> None:
    back = codec.read_document(codec.document({"value": value}))["value"]
    assert np.float64(back).tobytes() == np.float64(value).tobytes()


def test_a_document_does_not_depend_on_the_order_of_its_keys() -> None:
    assert codec.document({"a": 1, "b": 2}) == codec.document({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON"):
        codec.document({"a": float("nan")})
