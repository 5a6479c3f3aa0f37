"""Kinds of workloads: the built-in ones and those that installed packages add."""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pydantic import GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from prefect_qpu.definition import explain
from prefect_qpu.errors import InputError, WorkloadError
from prefect_qpu.workloads.protocol import Workload

GROUP = "prefect_qpu.workloads"

_BUILT_IN = {
    "circuit": "prefect_qpu.workloads.circuit:CircuitWorkload",
    "ghz": "prefect_qpu.workloads.ghz:GhzWorkload",
    "heisenberg": "prefect_qpu.workloads.heisenberg:HeisenbergWorkload",
    "ising": "prefect_qpu.workloads.quadratic:IsingWorkload",
    "labs": "prefect_qpu.workloads.labs:LabsWorkload",
    "maxcut": "prefect_qpu.workloads.maxcut:MaxCutWorkload",
    "mirror": "prefect_qpu.workloads.mirror:MirrorWorkload",
    "molecule": "prefect_qpu.workloads.molecule:MoleculeWorkload",
    "qubo": "prefect_qpu.workloads.quadratic:QuboWorkload",
    "tfim": "prefect_qpu.workloads.tfim:TfimWorkload",
}


class AnyKind:
    """Annotation of a workload: its JSON schema is that of one of the kinds."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schemas of all kinds, as alternatives."""
        return {"anyOf": [handler(workload_class(kind).__pydantic_core_schema__) for kind in sorted(workload_kinds())]}


def workload_kinds() -> dict[str, str]:
    """Import path of the class of each kind; installed entry points add kinds and may replace built-in ones.

    Example:
        >>> {"circuit", "maxcut"} <= set(workload_kinds())
        True
    """
    return _BUILT_IN | {entry.name: entry.value for entry in entry_points(group=GROUP)}


def workload_class(kind: Any, field: str = "kind") -> type[Workload]:
    """The class of a kind.

    Raises:
        WorkloadError: there is no such kind, or the package that adds it cannot be imported.
    """
    kinds = workload_kinds()
    if not isinstance(kind, str) or kind not in kinds:
        raise WorkloadError(field, given=kind, expected=f"one of {', '.join(sorted(kinds))}")
    module, _, name = kinds[kind].partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise WorkloadError(
            field, given=kind, expected="a kind whose package can be imported", hint=f"{error}."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Workload)):
        raise WorkloadError(field, given=kind, expected=f"a kind whose class derives from Workload, not {found!r}")
    return found


def workload_from(value: Any, info: ValidationInfo) -> Workload:
    """The workload of a definition; a workload is passed on as it is.

    Raises:
        InputError: the definition is malformed; the message has the dotted path of the field.
    """
    if isinstance(value, Workload):
        return value
    field = info.field_name or "workload"
    if not isinstance(value, Mapping):
        raise WorkloadError(field, given=value, expected="a mapping with the key kind")
    kind = workload_class(value.get("kind"), f"{field}.kind")
    try:
        return kind.model_validate(value, context=info.context)
    except ValidationError as error:
        raise explain(error, field) from error
    except InputError as error:
        raise error.within(field) from error
