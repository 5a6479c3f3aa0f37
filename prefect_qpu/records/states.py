"""How the state of a submission moves: only forward, and never out of a final state."""

from prefect_qpu.providers.types import JobState

FINAL = frozenset({"done", "failed", "cancelled", "lost"})
OPEN = ("intended", "submitted", "queued", "running")
REPEATABLE = frozenset({"failed", "cancelled", "lost"})
"""Ends after which a new attempt may be made."""


def moved(state: str, to: str) -> str:
    """The state after a move, which is the old one if the move would go back.

    Example:
        >>> moved("queued", "running"), moved("running", "queued"), moved("failed", "done")
        ('running', 'running', 'failed')
    """
    if state in FINAL:
        return state
    return to if to in FINAL or OPEN.index(to) > OPEN.index(state) else state


def told_state(told: JobState) -> str:
    """What a provider's word means for our row.

    A job that is done there is still running for us: the row is done when the results are stored, and open until then,
    so that a crash between the two leaves nothing behind that nobody asks for.
    """
    return "running" if told is JobState.DONE else str(told)
