"""What a flow run needs before anything runs: a store, a resolved experiment, and a provider that it fits."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.blocks.core import Block

from prefect_qpu.blocks import AerBackend, IBMQuantumBackend, PromotionPolicy, QiskitBackend, RecordStore
from prefect_qpu.errors import BackendError, ExperimentError
from prefect_qpu.experiment import AerBackendSpec, BlockReference, Experiment
from prefect_qpu.loading import read_experiment
from prefect_qpu.preflight import preflight
from prefect_qpu.providers import Provider
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore as Store

HASH_DIGITS = 64


@dataclass(frozen=True)
class Prepared:
    """An experiment that may start."""

    experiment: Experiment
    provider: Provider
    store: Store


async def prepare(source: str | Mapping[str, Any], store_block: str | None) -> Prepared:
    """The experiment with all blocks resolved, its provider, and the open store; nothing is stored yet.

    Args:
        source: Path of an experiment file, an experiment as a mapping, or the hash of a stored experiment.
        store_block: Name of a `RecordStore` block; none takes PREFECT_QPU_STORE, else the block ``default``, else the
            default database.

    Raises:
        InputError: something does not fit, before anything runs.
    """
    store = (await _store_block(store_block)).open()
    try:
        experiment = await asyncio.to_thread(experiment_from, source, store)
        experiment, provider = await resolve_blocks(experiment)
        await asyncio.to_thread(preflight, experiment, provider)
    except BaseException:
        store.close()
        raise
    return Prepared(experiment, provider, store)


def experiment_from(source: str | Mapping[str, Any], store: Store) -> Experiment:
    """The experiment that a flow parameter means."""
    if isinstance(source, Mapping):
        return Experiment.parse(source, base=Path())
    if len(source) == HASH_DIGITS and not set(source) - set("0123456789abcdef"):
        return store.experiments.get(source)
    return read_experiment(Path(source))


async def _store_block(name: str | None) -> RecordStore:
    if name is not None:
        return await RecordStore.aload(name)
    if "PREFECT_QPU_STORE" in os.environ:
        return RecordStore()
    try:
        return await RecordStore.aload("default")
    except ValueError:
        return RecordStore()


async def resolve_blocks(experiment: Experiment) -> tuple[Experiment, Provider]:
    """The experiment with the content of its blocks, and the provider that its backend means.

    A backend that needs credentials stays in the experiment by the name of its block.

    Raises:
        InputError: a block does not exist or is of another kind.
    """
    provider: Provider | None = None
    if isinstance(experiment.backend, BlockReference):
        backend = await _load("backend", experiment.backend, AerBackend, IBMQuantumBackend, QiskitBackend)
        provider = backend.provider()
        if isinstance(backend, AerBackend):
            experiment = experiment.changed(backend=backend.specification())
    if isinstance(experiment.promotion, BlockReference):
        policy = await _load("promotion", experiment.promotion, PromotionPolicy)
        experiment = experiment.changed(promotion=policy.policy())
    return experiment, provider or AerProvider(_aer(experiment))


def _aer(experiment: Experiment) -> AerBackendSpec:
    assert isinstance(experiment.backend, AerBackendSpec)
    return experiment.backend


async def _load(field: str, reference: BlockReference, *kinds: type[Block]) -> Any:
    names = " or ".join(f"{kind.get_block_type_slug()}/<name>" for kind in kinds)
    expected = f"the name of a saved block, {names}"
    try:
        block = await Block.aload(reference.block)
    except ValueError as error:
        raise BackendError(field, given=reference.block, expected=expected, hint=str(error)) from error
    if not isinstance(block, kinds):
        raise ExperimentError(field, given=reference.block, expected=expected)
    return block
