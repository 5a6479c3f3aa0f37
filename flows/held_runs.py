"""Held runs that nobody decides on: after a week they end as held, in Prefect and in the record store."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from prefect_qpu.flows.approval import A_WEEK
from prefect_qpu.flows.sweep_approval import asked
from prefect_qpu.records import RecordStore, WaitingRun


@dataclass(frozen=True)
class Question:
    """What a person was asked, and has not answered."""

    reason: str
    since: datetime

    def expired(self, now: datetime) -> bool:
        """Whether nobody will be waited for any longer."""
        return (now - self.since).total_seconds() >= A_WEEK

    @property
    def message(self) -> str:
        """What to say of a run that ends with it."""
        return f"{self.reason}; nobody decided within a week"


def expired(store: RecordStore, run: WaitingRun) -> Question | None:
    """The question that was left open for a week by a run, or a sweep, that waits for an approval; else none."""
    question = _question(store, run) if run.state == "waiting" and run.submission is None else None
    return question if question is not None and question.expired(store.clock()) else None


async def let_go(client: PrefectClient, store: RecordStore, run: WaitingRun, question: Question) -> None:
    """Let a held run end as held, and its flow run, unless the server has ended that already."""
    flow_run = await client.read_flow_run(UUID(run.flow_run_id))
    if flow_run.state is None or not flow_run.state.is_final():
        held: State[Any] = Cancelled(name="Held", message=question.message)
        await client.set_flow_run_state(flow_run.id, held, force=True)
    store.runs.finish(run.id, state="ended", outcome="held", source=None, error=question.message, now=store.clock())


def _question(store: RecordStore, run: WaitingRun) -> Question | None:
    if run.flow_run_id is None:
        return None
    document = asked(store, run.id, run.flow_run_id)
    if document is not None:
        return Question(document["reason"], datetime.fromisoformat(document["at"]))
    decided = store.runs.decisions(run.id)
    if not decided or decided[-1].outcome != "held":
        return None
    return Question(str(decided[-1].document["reason"]), decided[-1].decided_at)
