"""Formatting keeps what a number says: nothing is invented and nothing that means something is dropped."""

import re
from datetime import UTC, datetime, timedelta, timezone
from math import floor, inf, log10, nan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from prefect_qpu.reports.units import (
    MINUS,
    MISSING,
    by_name,
    concise,
    count,
    data_size,
    frequency,
    interval_text,
    number,
    plus_minus,
    probability,
    seconds,
    timestamp,
    title,
)

values = st.floats(-1e6, 1e6, allow_nan=False)
errors = st.floats(1e-7, 1e5)
_UNIT_SECONDS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def read(text: str) -> float:
    return float(text.replace(MINUS, "-").replace("\u202f", ""))


def last_place(text: str) -> float:
    _, _, decimals = text.partition(".")
    return 10.0 ** -len(decimals)


@given(values, errors)
def test_plus_minus_is_within_half_a_unit_of_the_last_digit(value: float, stderr: float) -> None:
    shown, error = plus_minus(value, stderr).split(" ± ")
    place = 10.0 ** (floor(log10(stderr)))
    assert abs(read(shown) - value) <= place / 2 + 1e-9 * abs(value)
    assert read(error) == pytest.approx(stderr, rel=0.35)


@given(values, errors)
def test_both_parts_of_plus_minus_end_at_the_same_place(value: float, stderr: float) -> None:
    shown, error = plus_minus(value, stderr).split(" ± ")
    assert last_place(shown) == last_place(error)


@given(values, errors)
def test_concise_says_the_same_as_plus_minus(value: float, stderr: float) -> None:
    shown, error = plus_minus(value, stderr).split(" ± ")
    match = re.fullmatch(r"(.*)\((.*)\)", concise(value, stderr))
    assert match is not None
    assert match[1] == shown
    digits = read(match[2])
    scaled = digits if "." in match[2] or "." not in shown or read(error) >= 1 else digits * last_place(shown)
    assert scaled == pytest.approx(read(error))


def test_an_error_that_begins_with_one_has_two_digits() -> None:
    assert concise(0.5, 0.0149) == "0.500(15)"
    assert concise(0.5, 0.0249) == "0.50(2)"


def test_a_negative_value_that_rounds_to_zero_has_no_sign() -> None:
    assert concise(-0.0001, 0.02) == "0.00(2)"
    assert interval_text(-0.00001, 0.5) == "[0.00, 0.50]"


@pytest.mark.parametrize("stderr", [None, 0.0, nan, inf, -1.0])
def test_a_value_without_a_usable_error_stands_alone(stderr: float | None) -> None:
    assert concise(0.25, stderr) == "0.25"


@pytest.mark.parametrize(("value", "text"), [(None, MISSING), (nan, "not a number"), (inf, "∞"), (-inf, f"{MINUS}∞")])
def test_what_is_no_number_is_said_in_words(value: float | None, text: str) -> None:
    assert number(value) == concise(value, 0.1) == text


@given(st.floats(1e-6, 1e8))
def test_a_duration_keeps_its_length(length: float) -> None:
    parts = seconds(length).split("\u202f")
    total = sum(float(value) * _UNIT_SECONDS[unit] for value, unit in zip(parts[::2], parts[1::2], strict=True))
    assert total == pytest.approx(length, rel=0.03)


@given(st.floats(1e-6, 1e8), st.floats(1.1, 100))
def test_a_duration_never_rounds_up_to_sixty(length: float, factor: float) -> None:
    assume(length * factor < 1e8)
    assert not re.search(r"\b60\u202f(s|min)", seconds(length * factor))


@pytest.mark.parametrize(
    ("length", "text"),
    [(0, "0 s"), (0.9999, "1 s"), (59.99, "1 min"), (10_800, "3 h"), (90_000, "1 d 1 h"), (-1.5, f"{MINUS}1.5 s")],
)
def test_durations_at_the_edges(length: float, text: str) -> None:
    assert seconds(length).replace("\u202f", " ") == text


@given(st.integers(0, 10**12))
def test_a_size_keeps_its_amount(size: int) -> None:
    value, unit = data_size(size).split("\u202f")
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    assert float(value) * factor == pytest.approx(size, rel=0.006)


@given(st.integers(-(10**12), 10**12))
def test_a_count_loses_no_digit(value: int) -> None:
    assert read(count(value)) == value


@given(st.floats(1e-6, 1))
def test_a_probability_is_shown_in_per_cent(value: float) -> None:
    assert read(probability(value).removesuffix("%")) == pytest.approx(100 * value, rel=0.006)


def test_a_time_is_shown_in_utc() -> None:
    assert timestamp(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31 23:00:00 UTC"
    assert timestamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01 00:00:00 UTC"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("quantum wall [s]", 75.0, "1 min 15 s"),
        ("payload [bytes]", 5296, "5.3 kB"),
        ("median_readout_error", 0.0242, "2.42 %"),
        ("median_t1", 1.3246e-4, "132 µs"),
        ("frequency", 4.9713e9, "4.971 GHz"),
        ("exact", False, "no"),
        ("missing", None, MISSING),
        ("refused", [], "none"),
        ("refused", [{"source": "cached", "reason": "none"}], "cached, none"),
        ("qubits", [2, 3], "[2, 3]"),
    ],
)
def test_free_form_values_are_shown_in_the_unit_of_their_name(name: str, value: object, text: str) -> None:
    assert by_name(name, value).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("name", "text"),
    [("QPU [s]", "QPU time"), ("payload [bytes]", "Payload"), ("num_qubits", "Number of qubits"), ("bytes", "Bytes")],
)
def test_names_are_shown_as_headings(name: str, text: str) -> None:
    assert title(name) == text


def test_a_frequency_below_a_kilohertz_has_no_prefix() -> None:
    assert frequency(50.0).replace("\u202f", " ") == "50 Hz"
