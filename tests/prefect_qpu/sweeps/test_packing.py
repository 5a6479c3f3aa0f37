"""Packing against a search through all packings."""

from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_qpu.errors import ExperimentError
from prefect_qpu.sweeps import Caps, Cost, Family, Packed, pack

small = st.integers(0, 4)
costs = st.builds(Cost, pubs=small, executions=small, payload_bytes=small)
families = st.lists(st.builds(Family, points=st.integers(1, 3), each=costs, fixed=costs), min_size=1, max_size=3)
caps = st.builds(Caps, pubs=st.integers(8, 12), executions=st.integers(8, 12), payload_bytes=st.integers(8, 12))


def taken(job: tuple[int, ...], members: list[Family], name: str) -> int:
    return sum(
        getattr(member.fixed, name) + count * getattr(member.each, name)
        for member, count in zip(members, job, strict=True)
        if count
    )


def fits(job: tuple[int, ...], members: list[Family], limits: Caps) -> bool:
    return all(
        limit is None or taken(job, members, name) <= limit
        for name in ("points", "pubs", "executions", "payload_bytes", "seconds")
        for limit in [getattr(limits, name)]
    )


def fewest(members: list[Family], limits: Caps) -> int:
    """The least number of jobs, by trying everything."""

    @cache
    def jobs_for(left: tuple[int, ...]) -> int:
        if not any(left):
            return 0
        first = next(index for index, count in enumerate(left) if count)
        return 1 + min(
            jobs_for(tuple(a - b for a, b in zip(left, job, strict=True)))
            for job in product(*(range(count + 1) for count in left))
            if job[first] and fits(job, members, limits)
        )

    return jobs_for(tuple(member.points for member in members))


def held(packed: Packed, members: list[Family]) -> list[tuple[int, ...]]:
    return [
        tuple(sum(item.stop - item.start for item in job if item.family == index) for index in range(len(members)))
        for job in packed.jobs
    ]


@settings(max_examples=60, deadline=None)
@given(families, caps)
def test_there_are_as_few_jobs_as_the_limits_allow(members: list[Family], limits: Caps) -> None:
    packed = pack(members, limits)
    assert len(packed.jobs) == fewest(members, limits)
    assert packed.least <= len(packed.jobs)
    assert all(fits(job, members, limits) for job in held(packed, members))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.builds(Family, points=st.integers(0, 40), each=costs, fixed=costs), max_size=4), caps)
def test_each_point_is_in_exactly_one_job(members: list[Family], limits: Caps) -> None:
    places = [
        (item.family, place)
        for job in pack(members, limits).jobs
        for item in job
        for place in range(item.start, item.stop)
    ]
    assert sorted(places) == [(index, place) for index, item in enumerate(members) for place in range(item.points)]


def test_what_points_share_is_counted_in_every_job_that_holds_them() -> None:
    packed = pack([Family(10, each=Cost(executions=10), fixed=Cost(executions=5))], Caps(executions=45))
    assert held(packed, [Family(10, Cost())]) == [(4,), (4,), (2,)]
    assert packed.proven


def test_a_better_packing_than_the_first_fit_is_found() -> None:
    members = [Family(1, each=Cost(executions=size)) for size in (4, 4, 3, 3, 3, 3)]
    packed = pack(members, Caps(executions=10))
    assert (len(packed.jobs), packed.proven) == (2, True)


def test_ten_thousand_points_and_a_thousand_families_are_packed() -> None:
    packed = pack([Family(10, each=Cost(pubs=0, executions=1000), fixed=Cost(pubs=1))] * 1000, Caps(pubs=100))
    assert (len(packed.jobs), packed.proven) == (10, True)


def test_a_point_that_fits_no_job_is_named_with_the_limit() -> None:
    with pytest.raises(ExperimentError, match=r"axes: got 'a point of 12 payload bytes', expected at most 10"):
        pack([Family(1, each=Cost(payload_bytes=12))], Caps(payload_bytes=10))


def test_without_limits_all_points_are_one_job() -> None:
    assert len(pack([Family(10_000, each=Cost(executions=1024)), Family(1, Cost())], Caps()).jobs) == 1


def test_no_points_are_no_jobs() -> None:
    assert pack([], Caps(pubs=1)).jobs == ()
