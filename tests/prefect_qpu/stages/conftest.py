from collections.abc import Callable

import pytest

from prefect_qpu.experiment import AerBackendSpec, Experiment
from prefect_qpu.jobs import complete
from prefect_qpu.latency import PRIMARY
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.baseline import baseline
from prefect_qpu.stages.compare import compare
from prefect_qpu.stages.encode import encode
from prefect_qpu.stages.execute import mitigate, submit
from prefect_qpu.stages.promote import promote
from prefect_qpu.stages.smoke_test import smoke_test
from prefect_qpu.stages.transpile import transpile


@pytest.fixture
def opened(store: RecordStore) -> Callable[..., Run]:
    """Open a run of an experiment in the test's store."""

    def open_it(experiment: Experiment, **options: object) -> Run:
        assert isinstance(experiment.backend, AerBackendSpec)
        return open_run(store, experiment, AerProvider(experiment.backend), **options)  # type: ignore[arg-type]

    return open_it


@pytest.fixture
def executed(opened: Callable[..., Run]) -> Callable[..., Run]:
    """A run taken through all stages of the quantum path, without Prefect."""

    def execute(experiment: Experiment, **options: object) -> Run:
        run = opened(experiment, **options)
        encode(run)
        smoke_test(run)
        promote(run)
        transpile(run)
        submit(run)
        complete(run, PRIMARY)
        baseline(run)
        mitigate(run)
        run.finish("promoted")
        compare(run)
        return run

    return execute
