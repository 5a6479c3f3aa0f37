"""Points that are larger than a job or a circuit may be."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_qpu.errors import ExperimentError
from prefect_qpu.sweeps.packing import Caps
from prefect_qpu.sweeps.splitting import Unit, parts

units = st.lists(
    st.builds(Unit, st.just("c"), st.integers(1, 300), st.booleans(), st.integers(1, 50)), min_size=1, max_size=8
)


@given(units, st.integers(1, 400), st.integers(1, 5), st.integers(1, 200))
def test_all_shots_are_taken_once_and_no_limit_is_passed(
    given_units: list[Unit], executions: int, pubs: int, most: int
) -> None:
    made = parts(given_units, Caps(executions=executions, pubs=pubs), most)
    taken: Counter[int] = Counter()
    for part in made:
        assert 1 <= len(part) <= pubs
        assert sum(entry.shots for entry in part) <= executions
        for entry in part:
            assert entry.shots <= most
            taken[entry.unit] += entry.shots
    assert taken == {place: unit.shots for place, unit in enumerate(given_units)}


@given(st.integers(1, 10_000), st.integers(1, 500))
def test_one_circuit_is_cut_into_the_fewest_parts(shots: int, executions: int) -> None:
    assert len(parts([Unit("c", shots, True, 1)], Caps(executions=executions), None)) == -(-shots // executions)


def test_a_point_that_fits_a_job_is_one_part() -> None:
    (part,) = parts([Unit("a", 100, True, 10), Unit("b", 50, False, 10)], Caps(executions=150, pubs=2), 100)
    assert [(entry.unit, entry.shots) for entry in part] == [(0, 100), (1, 50)]


def test_a_circuit_that_is_larger_than_a_job_is_refused() -> None:
    with pytest.raises(ExperimentError, match="a circuit of 60 bytes"):
        parts([Unit("a", 1, True, 60)], Caps(payload_bytes=50), None)
