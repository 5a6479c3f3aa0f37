import copy
import inspect
import pickle
import re

import pytest

from prefect_qpu import errors
from prefect_qpu.errors import (
    CircuitError,
    InputError,
    JobFailedError,
    ProviderUnavailableError,
    QpuError,
    RecordNotFoundError,
    WorkloadError,
)


def classes() -> list[type[QpuError]]:
    found = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]
    return [item for item in found if issubclass(item, QpuError)]


def test_the_drawing_is_the_tree() -> None:
    drawn = re.findall(r"^([│├└─ ]*)(\w+)", str(errors.__doc__).split("\n\n", 1)[1], re.MULTILINE)
    parents: list[tuple[str, str]] = []
    path: list[str] = []
    for indent, name in drawn:
        path[len(indent) // 4 :] = [name]
        parents.append((name, path[-2] if len(path) > 1 else "Exception"))
    assert sorted(parents) == sorted((item.__name__, item.__bases__[0].__name__) for item in classes())


@pytest.mark.parametrize(
    "error",
    [
        WorkloadError("graph", given=[0, 0], expected="an edge", hint="Edge 3."),
        InputError("shots", given=-1, expected="1", also=[CircuitError("file", given=None, expected="a file")]),
        RecordNotFoundError("run", "abc", "Look again."),
        JobFailedError("it broke", job_id="j1", retryable=True),
        ProviderUnavailableError("later", retry_after=3.0),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("copied", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy])
def test_an_error_survives_a_copy(error: QpuError, copied: object) -> None:
    again = copied(error)  # type: ignore[operator]
    assert (type(again), str(again), again.retryable) == (type(error), str(error), error.retryable)
    assert {**vars(again), "also": ()} == {**vars(error), "also": ()}


def test_a_long_value_is_cut_short() -> None:
    told = str(InputError("qasm", given="x" * 5000, expected="less"))
    assert len(told) < 300
    assert "(5002 characters)" in told
