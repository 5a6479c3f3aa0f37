import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_qpu.errors import StoreError
from prefect_qpu.hashing import content_hash
from prefect_qpu.latency import Span
from prefect_qpu.records import EstimateRow, RecordStore

EDGES = [0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 0.1 + 0.2, 2.0**53 + 2, 1.0, math.inf, -math.inf]


def bits_of(number: float) -> bytes:
    return struct.pack("<d", number)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.floats(allow_nan=False), min_size=1, max_size=50))
def test_doubles_come_back_bit_for_bit(store: RecordStore, started: Callable[..., str], numbers: list[float]) -> None:
    numbers = [*EDGES, *numbers]
    run = started(f"run-{content_hash(b''.join(map(bits_of, numbers)))}")
    rows = [EstimateRow("quantum", "raw", "zz", number, -number, 1, point) for point, number in enumerate(numbers)]
    store.runs.add_estimates(run, rows)
    stored = store.runs.estimates(run)
    assert [bits_of(row.value) for row in stored] == [bits_of(number) for number in numbers]
    assert [bits_of(row.stderr) for row in stored] == [bits_of(-number) for number in numbers]


def test_a_value_that_is_not_a_number_stays_one(store: RecordStore, started: Callable[..., str]) -> None:
    store.runs.add_estimates(started(), [EstimateRow("quantum", "raw", "zz", math.nan, 1.0, 1, systematic=math.nan)])
    (row,) = store.runs.estimates("run-one")
    assert math.isnan(row.value)
    assert row.systematic is not None


def test_times_come_back_aware_and_in_utc(store: RecordStore, started: Callable[..., str]) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    begin = datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=zone)
    store.runs.add_span(started(), Span("queue", begin, begin + timedelta(microseconds=1)))
    (span,) = store.runs.spans("run-one")
    assert span.started_at == begin
    assert span.started_at.tzinfo is UTC
    assert span.ended_at - span.started_at == timedelta(microseconds=1)


def test_a_time_without_zone_is_refused(store: RecordStore, started: Callable[..., str]) -> None:
    with pytest.raises(StoreError, match="no time zone, expected an aware datetime"):
        store.runs.complete_stage(started(), "encode", {}, datetime(2026, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object()])
def test_a_document_that_is_not_json_is_refused(store: RecordStore, started: Callable[..., str], value: object) -> None:
    with pytest.raises(StoreError, match="not JSON data"):
        store.runs.complete_stage(started(), "encode", {"value": value}, datetime.now(UTC))
    assert store.runs.stage("run-one", "encode") is None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_documents_come_back_as_they_were(store: RecordStore, started: Callable[..., str], document: object) -> None:
    run = started(f"run-{abs(hash(repr(document)))}")
    assert store.runs.complete_stage(run, "stage", {"x": document}, datetime.now(UTC)) == {"x": document}
