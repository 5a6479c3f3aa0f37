"""The `StageLatency` block: which spans are published, under which artifact key, against which targets."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from prefect.artifacts import acreate_table_artifact
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from prefect_qpu.blocks.appearance import DOCUMENTATION, LOGO
from prefect_qpu.latency import Span, latency_table


class StageLatency(Block):
    """Holds what is published of a run's latencies, and publishes it as a table artifact.

    Example:
        ```python
        from prefect_qpu.blocks import StageLatency

        latency = StageLatency.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str] = "QPU Stage Latency"
    _block_type_slug: ClassVar[str] = "stage-latency"
    _logo_url: ClassVar[HttpUrl] = LOGO
    _documentation_url: ClassVar[HttpUrl] = DOCUMENTATION

    stages: list[str] = Field(default=[], description="Stages to publish, in order; empty publishes all.")
    artifact_key: str = Field(
        default="latency",
        pattern=r"^[a-z0-9-]+$",
        description="Key of the artifact; the experiment's name comes first.",
    )
    targets: dict[str, float] = Field(
        default={}, description="Seconds that a stage should stay under; the table says which did not."
    )

    def rows(self, spans: Sequence[Span]) -> list[dict[str, str]]:
        """The rows of the table: stage, source, start, seconds, share of the whole, target."""
        chosen = [span for span in spans if not self.stages or span.stage in self.stages]
        order = {stage: index for index, stage in enumerate(self.stages)}
        return latency_table(sorted(chosen, key=lambda span: order.get(span.stage, 0)), self.targets)

    async def publish(self, spans: Sequence[Span], prefix: str) -> UUID:
        """The id of the table artifact that was made in the current flow or task run.

        Args:
            spans: Spans of one run.
            prefix: First part of the artifact's key.
        """
        return await acreate_table_artifact(
            table=self.rows(spans),
            key=f"{prefix}-{self.artifact_key}",
            description="Seconds by stage; provider times come from the provider's own clock.",
        )
