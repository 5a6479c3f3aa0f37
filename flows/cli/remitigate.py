"""Command `remitigate`: other mitigation methods on the counts of a stored run.

What takes long to import is imported in the command, so that help and version come at once.
"""

from typing import Any

from prefect_qpu.flows.cli import output
from prefect_qpu.flows.cli.options import Json, Methods, RunId, StoreUrl


def remitigate(
    run: RunId,
    /,
    *,
    method: Methods,
    store: StoreUrl = None,
    json: Json = False,
) -> int:
    """Estimate with other methods from the counts of a stored run, and store the estimates.

    Exit code: 0 if every method gave estimates, else 1; the reason is printed.
    """
    from prefect_qpu.records import RecordStore
    from prefect_qpu.remitigate import remitigate as apply

    methods = [method_spec(text, index) for index, text in enumerate(method)]
    with RecordStore.open(store, create=False) as opened:
        found = apply(opened, run, methods)
    if json:
        output.print_json(found)
    else:
        _print(found)
    return 1 if found["refused"] else 0


def method_spec(text: str, index: int) -> Any:
    """The method of an argument of ``--method``, in YAML or JSON.

    Raises:
        ExperimentError: it is no method.
    """
    from pydantic import ValidationError
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from prefect_qpu.definition import explain
    from prefect_qpu.errors import ExperimentError
    from prefect_qpu.experiment import MethodSpec

    field = f"--method.{index}"
    try:
        given = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ExperimentError(field, given=text, expected="a name, or a mapping in YAML or JSON") from error
    try:
        return MethodSpec.model_validate({"method": given} if isinstance(given, str) else given)
    except ValidationError as error:
        raise explain(error, field) from error


def _print(found: dict[str, Any]) -> None:
    output.print_estimates(found["estimates"])
    for label, reason in found["refused"].items():
        output.complain(f"{label}: {reason}")
