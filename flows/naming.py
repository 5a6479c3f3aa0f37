"""How a flow run is called and tagged, for people who look at the UI."""

from collections.abc import Iterable

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run


async def name_flow_run(name: str, tags: Iterable[str] = ()) -> None:
    """Put a name before the flow run's own, and add tags; a flow run that goes on keeps what it has."""
    if (flow_run.name or "").startswith(name):
        return
    async with get_client() as client:
        await client.update_flow_run(flow_run.id, name=f"{name}-{flow_run.name}", tags=sorted({*flow_run.tags, *tags}))
