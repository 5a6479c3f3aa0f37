"""What a program answers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """A result document, and what it took."""

    body: bytes
    """JSON as the client decodes it."""
    executions: int
    """Shots over all circuits and parameter sets."""
    notes: tuple[str, ...] = ()
    """What the emulator did otherwise than asked; lines of the job's log."""
