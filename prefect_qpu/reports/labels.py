"""What a number comes from and how a run ended, in words that stand wherever the number is shown."""

from dataclasses import dataclass

from prefect_qpu.reports.units import MISSING
from prefect_qpu.summary import AnswerSource, RunSummary

SHORT_ID = 8
"""Characters of a run's id that tell it from others, for people."""


@dataclass(frozen=True)
class Badge:
    """A verdict for people: never told by colour alone."""

    mark: str
    word: str
    tone: str
    """``good``, ``warn``, ``bad`` or ``idle``; the page's colours."""


_OUTCOMES = {
    "promoted": Badge("✓", "Promoted", "good"),
    "fallback": Badge("↪", "Fallback", "warn"),
    "held": Badge("‖", "Held", "idle"),
    "rejected": Badge("✗", "Rejected", "bad"),
    "failed": Badge("✗", "Failed", "bad"),
    "running": Badge("…", "Running", "idle"),
    "waiting": Badge("…", "Waiting", "idle"),
    "ended": Badge("○", "Ended", "idle"),
}
_GOOD = {"pass", "supported", "quantum better", "promoted", "done"}
_BAD = {"fail", "refuted", "rejected", "failed", "cancelled", "lost"}
_DOUBTFUL = {"inconclusive", "not distinguishable", "held"}


def outcome(summary: RunSummary) -> Badge:
    """How the run ended, or that it has not."""
    return _OUTCOMES[summary.outcome or summary.state]


def verdict(word: str) -> Badge:
    """A verdict of a test, a comparison or a job.

    Example:
        >>> verdict("pass").mark, verdict("not applicable").mark
        ('✓', '–')
    """  # noqa: RUF002
    if word in _GOOD:
        return Badge("✓", word, "good")
    if word in _BAD:
        return Badge("✗", word, "bad")
    if word in _DOUBTFUL:
        return Badge("?", word, "warn")
    return Badge(MISSING if word.startswith("not ") else "•", word, "idle")


def answer(summary: RunSummary) -> str:
    """Where the answer of a run comes from, in full."""
    return "no answer" if summary.source is None else source(summary, summary.source)


def source(summary: RunSummary, kind: AnswerSource) -> str:
    """Where a number comes from, in full."""
    if kind == "quantum":
        where = f"quantum path on {summary.backend.name}"
        return f"{where}, a simulator" if summary.backend.simulator else where
    if kind == "cached":
        run = ((summary.fallback or {}).get("details") or {}).get("run_id")
        return f"cached result of run {str(run)[:SHORT_ID]}" if run else "cached result of an earlier run"
    return f"{kind} (fallback)"


def short_source(summary: RunSummary, kind: AnswerSource) -> str:
    """Where a number comes from, in a word: the backend's name for the quantum path."""
    return summary.backend.name if kind == "quantum" else kind
