"""What a flow run needs before anything runs: a store, a resolved experiment, and a provider that it fits."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.blocks.core import Block

from prefect_qpu.blocks import AerBackend, IBMQuantumBackend, PriceTable, PromotionPolicy, QiskitBackend, RecordStore
from prefect_qpu.choosing import settled
from prefect_qpu.errors import BackendError, ExperimentError
from prefect_qpu.experiment import AerBackendSpec, BlockReference, Experiment
from prefect_qpu.loading import read_experiment
from prefect_qpu.preflight import preflight
from prefect_qpu.providers import Provider
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore as Store
from prefect_qpu.selection import Selection

Backend = AerBackendSpec | BlockReference
HASH_DIGITS = 64


@dataclass(frozen=True)
class Prepared:
    """An experiment that may start, or go on."""

    experiment: Experiment
    provider: Provider
    store: Store
    resumed: bool
    """Whether the run is stored already."""
    selection: Selection | None = None
    """Why this backend, where a rule chose it among several."""


async def prepare(source: str | Mapping[str, Any], store_block: str | None, run_id: str) -> Prepared:
    """The experiment with all blocks resolved, its provider, and the open store; nothing is stored yet.

    A run that is stored goes on with the experiment and the backend that it was started with, and no provider is asked.

    Args:
        source: Path of an experiment file, an experiment as a mapping, or the hash of a stored experiment.
        store_block: Name of a `RecordStore` block; none takes PREFECT_QPU_STORE, else the block ``default``, else the
            default database.
        run_id: The run that is to start.

    Raises:
        InputError: something does not fit, before anything runs.
    """
    store = await open_store(store_block)
    try:
        return await _prepared(source, store, run_id)
    except BaseException:
        store.close()
        raise


async def _prepared(source: str | Mapping[str, Any], store: Store, run_id: str) -> Prepared:
    row = store.runs.find(run_id)
    if row is not None:
        experiment, provider = await resolve_blocks(store.experiments.get(row.experiment_hash))
        pinned, _ = settled(provider, experiment, row.backend)
        return Prepared(experiment, pinned, store, resumed=True)
    experiment, provider = await resolve_blocks(await asyncio.to_thread(experiment_from, source, store))
    chosen, selection = await asyncio.to_thread(settled, provider, experiment, None)
    await asyncio.to_thread(preflight, experiment, chosen)
    return Prepared(experiment, chosen, store, resumed=False, selection=selection)


async def open_store(block: str | None) -> Store:
    """The record store of a block, or the default one.

    Raises:
        StoreUrlError: the database cannot be opened or written.
    """
    return (await _store_block(block)).open()


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
    backend, provider = await resolve_backend(experiment.backend)
    if backend != experiment.backend:
        experiment = experiment.changed(backend=backend)
    if isinstance(experiment.promotion, BlockReference):
        policy = await _load("promotion", experiment.promotion, PromotionPolicy)
        experiment = experiment.changed(promotion=policy.policy())
    if isinstance(experiment.prices, BlockReference):
        table = await _load("prices", experiment.prices, PriceTable)
        experiment = experiment.changed(prices=table.prices())
    return experiment, provider


async def resolve_backend(backend: Backend) -> tuple[Backend, Provider]:
    """The backend as it is recorded, and the provider that it means.

    Raises:
        InputError: the block does not exist or is of another kind.
    """
    if isinstance(backend, AerBackendSpec):
        return backend, AerProvider(backend)
    block = await _load("backend", backend, AerBackend, IBMQuantumBackend, QiskitBackend)
    return (block.specification() if isinstance(block, AerBackend) else backend), block.provider()


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
