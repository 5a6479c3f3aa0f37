"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

ExperimentFile = Annotated[Path, Parameter(help="Experiment in YAML or JSON.")]
Settings = Annotated[
    list[str],
    Parameter(
        name="--set",
        negative="",
        show_default=False,
        help="Another value for a setting, as dotted.key=value; may be repeated.",
    ),
]
BackendName = Annotated[
    str | None,
    Parameter(help="Backend to use instead: a fake device, 'aer' (ideal simulator) or <block type>/<block name>."),
]
Methods = Annotated[
    list[str],
    Parameter(
        name="--method",
        negative="",
        show_default=False,
        help="A mitigation method: its name, or a mapping as in an experiment file; may be repeated.",
    ),
]
RunId = Annotated[str, Parameter(help="Id of a stored run, or the first six or more characters of it.")]
StoreUrl = Annotated[
    str | None, Parameter(help="URL of the record store; else PREFECT_QPU_STORE or ~/.prefect-qpu/records.db.")
]
ReportFolder = Annotated[
    Path | None, Parameter(help="Where the HTML report is written; else 'reports' beside the record store.")
]
Json = Annotated[bool, Parameter(negative="", show_default=False, help="Print JSON and nothing else.")]
