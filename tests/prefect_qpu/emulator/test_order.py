"""Whose job is next."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from prefect_qpu.emulator.order import Hold, Ticket, next_change, next_ticket

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ticket(number: int, user: str = "a", *, wait: float = 0, session: str | None = None, again: bool = False) -> Ticket:
    ready = NOW + timedelta(seconds=wait)
    return Ticket(number, f"job{number}", "device", user, "instance", ready, session, again)


tickets = st.lists(
    st.builds(ticket, st.integers(0, 50), st.sampled_from("abc"), wait=st.floats(-10, 10)),
    unique_by=lambda item: item.number,
)


def drained(waiting: list[Ticket]) -> list[Ticket]:
    served: dict[str, int] = {}
    order = []
    while (chosen := next_ticket(waiting, served, None, NOW)) is not None:
        served[chosen.user] = len(order)
        order.append(chosen)
        waiting = [item for item in waiting if item is not chosen]
    return order


@given(tickets)
def test_every_job_that_is_ready_is_run_once_and_no_other(waiting: list[Ticket]) -> None:
    expected = {item.number for item in waiting if item.ready <= NOW}
    assert sorted(item.number for item in drained(waiting)) == sorted(expected)


@given(tickets)
def test_the_jobs_of_one_user_keep_their_order(waiting: list[Ticket]) -> None:
    for user in "abc":
        numbers = [item.number for item in drained(waiting) if item.user == user]
        assert numbers == sorted(numbers)


@given(tickets)
def test_a_user_waits_for_at_most_one_job_of_each_other(waiting: list[Ticket]) -> None:
    order = drained(waiting)
    for index, item in enumerate(order):
        later = [other.user for other in order[index + 1 :]]
        following = later.index(item.user) if item.user in later else None
        between = later[:following]
        if following is not None:
            assert len(between) == len(set(between))


def test_a_user_with_one_job_overtakes_one_with_many() -> None:
    order = drained([ticket(1), ticket(2), ticket(3), ticket(4, "b")])
    assert [item.number for item in order] == [1, 4, 2, 3]


def test_a_session_has_the_device_to_itself_while_it_holds_it() -> None:
    waiting = [ticket(1), ticket(2, "b", session="s")]
    hold = Hold("s", NOW + timedelta(seconds=5))
    assert next_ticket(waiting, {}, hold, NOW) == waiting[1]
    assert next_ticket(waiting[:1], {}, hold, NOW) is None
    assert next_ticket(waiting[:1], {}, hold, NOW + timedelta(seconds=5)) == waiting[0]


def test_an_interrupted_job_is_run_again_first() -> None:
    waiting = [ticket(1), ticket(2, again=True)]
    assert next_ticket(waiting, {}, Hold("s", NOW + timedelta(seconds=5)), NOW) == waiting[1]


def test_the_next_change_is_told() -> None:
    assert next_change([ticket(1, wait=3), ticket(2, wait=-1)], None, NOW) == NOW + timedelta(seconds=3)
    assert next_change([], Hold("s", NOW + timedelta(seconds=2)), NOW) == NOW + timedelta(seconds=2)
    assert next_change([], None, NOW) is None
