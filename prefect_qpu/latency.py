"""Where the time went: spans by stage, measured here or reported by the provider."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Source = Literal["workflow", "provider"]
PRIMARY = "primary"
"""Role of the job that a run is about; others simulate beside it."""
PILOT = "pilot"
"""Role of a small job before it, whose variances decide how its shots are split."""
OPTIONS = "options-"
"""First part of the role of a job beside it with options of its own."""

Clock = Callable[[], datetime]


def bought(role: str) -> bool:
    """Whether the job of a role is executed where the experiment wants it, and not simulated beside it.

    Example:
        >>> [role for role in ("primary", "pilot", "options-1f0c2a9e", "smoke-ideal", "fallback") if bought(role)]
        ['primary', 'pilot', 'options-1f0c2a9e']
    """
    return role in {PRIMARY, PILOT} or role.startswith(OPTIONS)


def utc_now() -> datetime:
    """The time now, in UTC and aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Span:
    """One stage, from start to end."""

    stage: str
    started_at: datetime
    ended_at: datetime
    source: Source = "workflow"
    """Whose clock: the workflow's, or the provider's."""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def label(self) -> str:
        """The stage; of another job than the run's own also what that job was for."""
        role = self.details.get("role", PRIMARY)
        return self.stage if role == PRIMARY else f"{self.stage} ({role})"


@contextmanager
def measured(stage: str, keep: Callable[[Span], object], clock: Clock = utc_now) -> Iterator[None]:
    """Hand a span of the enclosed block to ``keep``, whether the block ends well or not.

    The length comes from the monotonic clock, so that a step of the wall clock cannot make it negative.

    Example:
        >>> spans = []
        >>> with measured("encode", spans.append):
        ...     pass
        >>> spans[0].stage, spans[0].seconds >= 0
        ('encode', True)
    """
    started_at, ticks = clock(), time.perf_counter()
    try:
        yield
    finally:
        elapsed = time.perf_counter() - ticks
        keep(Span(stage, started_at, started_at + timedelta(seconds=elapsed)))


def provider_spans(
    created: datetime | None, started: datetime | None, finished: datetime | None, role: str
) -> list[Span]:
    """Queue and execution of a job, by the provider's own times; those that it did not report are left out.

    Args:
        created: When the provider accepted the job.
        started: When it began to execute.
        finished: When it ended.
        role: What the job was for in its run.
    """
    spans = []
    if created and started:
        spans.append(Span("queue", created, started, "provider", {"role": role}))
    if started and finished:
        spans.append(Span("execution", started, finished, "provider", {"role": role}))
    return spans


def seconds_by_stage(spans: Iterable[Span]) -> dict[str, float]:
    """Total seconds by label, in order of first appearance."""
    totals: dict[str, float] = {}
    for span in spans:
        totals[span.label] = totals.get(span.label, 0.0) + span.seconds
    return totals


def latency_table(spans: Sequence[Span], targets: Mapping[str, float]) -> list[dict[str, str]]:
    """Rows of text, one for each span: stage, whose clock, start after the first span, seconds, target, met or missed.

    Example:
        >>> start = datetime(2026, 1, 1, tzinfo=UTC)
        >>> latency_table([Span("poll", start, start + timedelta(seconds=2))], {"poll": 1.0})[0]["target"]
        'missed (1 s)'
    """
    if not spans:
        return []
    first = min(span.started_at for span in spans)
    return [
        {
            "stage": span.label,
            "clock": span.source,
            "start [s]": f"{(span.started_at - first).total_seconds():.3f}",
            "seconds": f"{span.seconds:.3f}",
            "target": _target(span, targets),
        }
        for span in spans
    ]


def _target(span: Span, targets: Mapping[str, float]) -> str:
    limit = targets.get(span.stage)
    if limit is None:
        return "-"
    return f"{'met' if span.seconds <= limit else 'missed'} ({limit:g} s)"
