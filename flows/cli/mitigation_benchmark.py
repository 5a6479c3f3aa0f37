"""Command `mitigation-benchmark`: what mitigation methods are worth on an experiment, and what they cost.

What takes long to import is imported in the command, so that help and version come at once.
"""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Annotated, Any

from cyclopts import Parameter

from prefect_qpu.flows.cli import output
from prefect_qpu.flows.cli.options import ExperimentFile, Json, Methods, ReportFolder, Settings, StoreUrl


def mitigation_benchmark(
    file: ExperimentFile,
    /,
    *,
    settings: Settings = [],  # noqa: B006 - read only
    method: Methods = [],  # noqa: B006 - read only
    backend: Annotated[
        list[str],
        Parameter(
            negative="",
            show_default=False,
            help="A backend to use instead, as for run; may be repeated.",
        ),
    ] = [],  # noqa: B006 - read only
    seeds: Annotated[int, Parameter(help="Seeds, counted from the experiment's own: from 2 to 1000.")] = 5,
    store: StoreUrl = None,
    report_folder: ReportFolder = None,
    json: Json = False,
) -> int:
    """Repeat an experiment over backends and seeds, and tell what each mitigation method is worth and costs.

    All jobs are waited for in this process. Called again with the same arguments, it goes on where it stopped.
    Exit code: 0 all methods on all backends have a verdict, 1 one of them has none, 2 bad input.
    """
    from prefect_qpu.flows.cli.starting import check, check_folder, start_benchmark
    from prefect_qpu.loading import backend_setting, read_experiment
    from prefect_qpu.mitigation_study import points
    from prefect_qpu.records import RecordStore

    with redirect_stdout(sys.stderr):
        protocol = read_experiment(file, settings)
        methods, backends = _methods(method), [backend_setting(name) for name in backend] or None
        for point in points(protocol, methods, backends, seeds)[::seeds]:
            check(point)
        check_folder(report_folder, "--report-folder")
    with RecordStore.open(store) as opened, redirect_stdout(sys.stderr):
        found = start_benchmark(opened, protocol, report_folder, methods=methods, backends=backends, seeds=seeds)
    if json:
        output.print_json(found)
    else:
        output.print_study(found)
    return 0 if found and all(item["worth"] != "not known" for item in found) else 1


def _methods(texts: Sequence[str]) -> list[Any] | None:
    from prefect_qpu.flows.cli.remitigate import method_spec

    return [method_spec(text, index).model_dump(mode="json") for index, text in enumerate(texts)] or None
