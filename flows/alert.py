"""Flow `alert`: tells people of a sweep that failed, or whose result is not the expected one."""

from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from prefect_qpu.errors import InputError
from prefect_qpu.reports.markdown import text_markdown
from prefect_qpu.tasks.publishing import published


@flow(name="alert", persist_result=False)
async def alert(title: str, message: str, block: str | None = None) -> State[Any]:
    """Log a message, keep it as an artifact, and send it by a notification block if one is named.

    Args:
        title: What happened, in a few words.
        message: What happened.
        block: ``<block type>/<block name>`` of a saved notification block, for example ``slack-webhook/alerts``.
    """
    get_run_logger().warning("%s: %s", title, message)
    text = f"# {text_markdown(title)}\n\n{text_markdown(message)}"
    await published(acreate_markdown_artifact(text, key="prefect-qpu-alert", description=title))
    if block is None:
        return Completed(name="Told", message=title)
    sender: Any = await Block.aload(block)
    if not isinstance(sender, NotificationBlock):
        raise InputError("block", given=block, expected="a saved notification block, such as slack-webhook/alerts")
    await sender.notify(message, subject=title)
    return Completed(name="Sent", message=title)
