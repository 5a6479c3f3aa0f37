import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_qpu.time_to_solution import shots_needed, time_to_solution


@given(st.floats(1e-4, 0.98))
def test_so_many_shots_miss_with_a_chance_of_one_in_a_hundred(probability: float) -> None:
    shots = shots_needed(probability)
    assert shots is not None
    assert (1 - probability) ** shots <= 0.01 * (1 + 1e-9)
    assert (1 - probability) ** (shots - 1) > 0.01


def test_small_values_count_where_they_are_wanted() -> None:
    values = np.array([1.0, 2.0, 3.0, 3.0])
    low = time_to_solution(values, 1.0, "minimize", 4.0)
    high = time_to_solution(values, 3.0, "maximize", 4.0)
    assert low is not None
    assert high is not None
    assert (low.hits, high.hits) == (1, 2)
    assert (low.shots_needed, low.seconds) == (17, 17.0)
    assert high.seconds == 7.0


def test_without_a_hit_there_is_only_a_least_time() -> None:
    found = time_to_solution(np.zeros(1000), 1.0, "maximize", 1.0)
    assert found is not None
    assert (found.seconds, found.shots_needed, found.hits) == (None, None, 0)
    assert found.interval[1] == pytest.approx(0.00368, abs=1e-4)
    assert found.least_seconds > 1.0


def test_a_value_within_rounding_is_a_hit_and_one_shot_may_do() -> None:
    found = time_to_solution(np.full(10, 0.3), 0.1 + 0.2, "maximize", 1.0)
    assert found is not None
    assert (found.hits, found.shots_needed, found.seconds) == (10, 1, 0.1)


def test_no_shots_have_no_time() -> None:
    assert time_to_solution(np.zeros(0), 1.0, "maximize", 1.0) is None


@given(st.integers(0, 50))
def test_the_interval_holds_the_share_of_hits(hits: int) -> None:
    values = np.array([1.0] * hits + [0.0] * (50 - hits))
    found = time_to_solution(values, 1.0, "maximize", 1.0)
    assert found is not None
    assert found.interval[0] <= found.probability <= found.interval[1]
    assert found.seconds is None or found.least_seconds <= found.seconds
