"""A process that dies between job and estimates: another one goes on from the store."""

import json
import subprocess
import sys
from pathlib import Path

from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.latency import PRIMARY
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.run import open_run
from prefect_qpu.stages.execute import mitigate
from tests.experiments import ghz_document

METHODS = [
    "raw",
    "readout",
    {"method": "zne", "options": {"fit": ["exponential", "linear"], "readout": "trex"}},
    {"method": "twirling", "options": {"twirl": 4}},
]
UNTIL_THE_JOB = """
import json, os, signal, sys
from prefect_qpu.experiment import Experiment
from prefect_qpu.jobs import complete
from prefect_qpu.latency import PRIMARY
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.run import open_run
from prefect_qpu.stages.execute import submit

experiment = Experiment.parse(json.loads(sys.argv[2]))
with RecordStore.open(sys.argv[1]) as store:
    run = open_run(store, experiment, AerProvider(experiment.backend), run_id="killed-run")
    submit(run)
    complete(run, PRIMARY)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_between_job_and_estimates_loses_nothing(store_url: str, tmp_path: Path) -> None:
    script = tmp_path / "until_the_job.py"
    script.write_text(UNTIL_THE_JOB)
    document = json.dumps(ghz_document(mitigation=METHODS))
    died = subprocess.run([sys.executable, script, store_url, document], check=False, capture_output=True, text=True)
    assert died.returncode == -9, died.stderr
    with RecordStore.open(store_url) as store:
        experiment = store.experiments.get(store.runs.get("killed-run").experiment_hash)
        assert isinstance(experiment.backend, AerBackendSpec)
        run = open_run(store, experiment, AerProvider(experiment.backend), run_id="killed-run")
        found = mitigate(run)
        assert len(found["estimates"]) == len(METHODS)
        assert found["refused"] == {}
        assert list(store.submissions.for_run(run.id)) == [PRIMARY]
