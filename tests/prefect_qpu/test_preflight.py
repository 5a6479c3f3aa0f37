"""What is known to be wrong before anything runs, and that nothing but an `InputError` ever says so."""

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_qpu.errors import CircuitError, ExperimentError, InputError
from prefect_qpu.experiment import AerBackendSpec, Experiment
from prefect_qpu.preflight import preflight
from prefect_qpu.providers.aer import AerProvider
from tests.experiments import ghz, ghz_document

MAXCUT = ghz_document(
    workload={
        "kind": "maxcut",
        "graph": {"generator": "random_regular", "degree": 3, "nodes": 4, "seed": 1},
        "angles": {"gamma": [0.5], "beta": [0.25]},
    },
    hypothesis={"statement": "cuts", "observable": "cut", "range": [2, 4]},
    promotion={"tolerance": 0.1},
    mitigation=[{"method": "raw", "options": {}}],
)


def test_the_size_of_an_experiment_that_may_start_is_told() -> None:
    assert preflight(ghz(), AerProvider(AerBackendSpec(device="FakeManilaV2"))) == {
        "qubits": 4,
        "depth": 4,
        "two_qubit_gates": 3,
    }


def test_a_device_with_too_few_qubits_is_refused() -> None:
    with pytest.raises(CircuitError, match="got 'aer-armonk with 1 qubits', expected at least 4 qubits"):
        preflight(ghz(), AerProvider(AerBackendSpec(device="FakeArmonkV2")))


def test_without_a_provider_what_depends_on_the_device_is_left_open() -> None:
    assert preflight(ghz(transpile={"initial_layout": [90, 91, 92, 93]}), None)["qubits"] == 4


@pytest.mark.parametrize("changes", [{"mitigation": ["magic"]}, {"transpile": {"routing_method": "magic"}}])
def test_a_method_that_is_not_installed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError, match="got 'magic', expected one of "):
        preflight(ghz(**changes), None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """An experiment in which one value, at any depth, is another one or missing, or has an unknown neighbour."""
    document = deepcopy(draw(st.sampled_from([ghz_document(), MAXCUT])))
    place: Any = document
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], dict | list) and place[key] and draw(st.booleans())):
            break
        place = place[key]
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "remove":
            del place[key]
        case "add" if isinstance(place, dict):
            place[draw(st.text(max_size=8))] = draw(json_values)
        case _:
            place[key] = draw(json_values)
    return document


@settings(max_examples=300, deadline=None)
@given(document=damaged())
def test_a_damaged_experiment_is_refused_as_bad_input_or_may_start(document: dict[str, Any]) -> None:
    with suppress(InputError):
        experiment = Experiment.parse(document)
        spec = experiment.backend
        size = preflight(experiment, AerProvider(spec) if isinstance(spec, AerBackendSpec) else None)
        assert size["qubits"] > 0
        assert len(experiment.hash) == 64
