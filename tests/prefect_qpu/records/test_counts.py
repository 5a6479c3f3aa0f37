import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import StoreError
from prefect_qpu.records import canonical_counts, decode_counts, encode_counts


@st.composite
def bit_arrays(draw: st.DrawFn) -> BitArray:
    """Any shape, width and number of shots; few or many distinct outcomes; also dirt in the padding bits."""
    width = draw(st.integers(1, 200))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    shots = draw(st.one_of(st.integers(0, 12), st.sampled_from([255, 256, 300])))
    values = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = values.integers(0, draw(st.sampled_from([2, 3, 256])), (*shape, shots, math.ceil(width / 8)), np.uint8)
    return BitArray(rows, width)


@given(bit_arrays())
def test_decoded_counts_are_the_canonical_counts(bits: BitArray) -> None:
    decoded, expected = decode_counts(encode_counts(bits)), canonical_counts(bits)
    assert decoded.num_bits == bits.num_bits
    assert decoded.array.dtype == np.uint8
    assert np.array_equal(decoded.array, expected.array)
    assert decoded.shape == bits.shape


@given(bit_arrays().filter(lambda bits: bits.size and bits.num_shots))
def test_canonical_counts_hold_the_same_shots_in_ascending_order(bits: BitArray) -> None:
    canonical = canonical_counts(bits)
    for index in np.ndindex(bits.shape):
        assert canonical[index].get_bitstrings() == sorted(bits[index].get_bitstrings())


@given(bit_arrays(), st.randoms())
def test_the_order_of_the_shots_does_not_change_the_payload(bits: BitArray, random: object) -> None:
    order = list(range(bits.num_shots))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert encode_counts(BitArray(bits.array[..., order, :], bits.num_bits)) == encode_counts(bits)


@given(bit_arrays(), st.data())
def test_a_damaged_payload_is_refused(bits: BitArray, data: st.DataObject) -> None:
    raw = bytearray(encode_counts(bits))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StoreError, match="damaged"):
        decode_counts(bytes(raw))


@given(bit_arrays(), st.data())
def test_a_payload_of_another_length_is_refused(bits: BitArray, data: st.DataObject) -> None:
    raw = encode_counts(bits)
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    for damaged in (cut, raw + b"\0"):
        with pytest.raises(StoreError, match="damaged"):
            decode_counts(damaged)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_counts_are_refused(raw: bytes) -> None:
    with pytest.raises(StoreError):
        decode_counts(raw)


def test_encoding_does_not_change_its_input() -> None:
    rows = np.array([[3], [1], [2]], np.uint8)
    encode_counts(BitArray(rows, 2))
    assert rows.tolist() == [[3], [1], [2]]


def test_ten_thousand_points_of_six_bits_are_encoded_in_seconds_and_compactly() -> None:
    rows = np.random.default_rng(7).integers(0, 64, (10_000, 1024, 1), np.uint8)
    begin = time.perf_counter()
    raw = encode_counts(BitArray(rows, 6))
    assert time.perf_counter() - begin < 5
    assert len(raw) < rows.nbytes / 7
