"""Whose job is next: a fair queue over users, in which a session has the device to itself while it is active."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Ticket:
    """A job in the queue."""

    number: int
    """Order of acceptance."""
    job_id: str
    backend: str
    user: str
    instance: str
    ready: datetime
    """When it may be run."""
    session_id: str | None = None
    interrupted: bool = False
    """Whether it was running when the emulator ended; it is run again first."""
    fault: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Hold:
    """A session that has the device to itself for a while after its last job."""

    session_id: str
    until: datetime


def next_ticket(
    waiting: Iterable[Ticket], served: Mapping[str, int], hold: Hold | None, now: datetime
) -> Ticket | None:
    """The job to run now: of the session that holds the device, else of the user who was served longest ago.

    Args:
        waiting: Jobs in the queue.
        served: For each user, the turn at which he was served last; who was never served is not in it.
        hold: The session that has the device to itself.
        now: The moment.
    """
    ready = [ticket for ticket in waiting if ticket.ready <= now]
    if interrupted := [ticket for ticket in ready if ticket.interrupted]:
        return min(interrupted, key=lambda ticket: ticket.number)
    if hold is not None and now < hold.until:
        ready = [ticket for ticket in ready if ticket.session_id == hold.session_id]
    return min(ready, key=lambda ticket: (served.get(ticket.user, -1), ticket.number), default=None)


def next_change(waiting: Iterable[Ticket], hold: Hold | None, now: datetime) -> datetime | None:
    """When the answer of `next_ticket` may change by itself."""
    moments = [ticket.ready for ticket in waiting if ticket.ready > now]
    if hold is not None and hold.until > now:
        moments.append(hold.until)
    return min(moments, default=None)
