import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from prefect_qpu.definition import Definition, explain
from prefect_qpu.errors import ExperimentError


class Cable(Definition):
    length: Annotated[float, Field(gt=0)]
    colour: Literal["red", "blue"] = "red"


class Radio(Definition):
    channel: Annotated[int, Field(ge=1, le=14)]
    name: Annotated[str, Field(min_length=1, pattern="^[a-z]+$")] = "radio"


class Station(Definition):
    link: Annotated[Cable | Radio, Field(union_mode="left_to_right")]
    spare: Cable | None = None
    levels: dict[str, float | list[float]] = Field(default_factory=dict)
    cables: tuple[Cable, ...] = ()


def explained(prefix: str = "", **settings: Any) -> ExperimentError:
    settings.setdefault("link", {"length": 1.0})
    with pytest.raises(ValidationError) as caught:
        Station.model_validate(settings)
    return explain(caught.value, prefix)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"spare": {"length": -1}}, "spare.length: got -1, expected a number greater than 0."),
        ({"spare": {"length": "long"}}, "spare.length: got 'long', expected a number."),
        ({"spare": {"length": float("inf")}}, "spare.length: got inf, expected a finite number."),
        ({"spare": {"length": 1, "colour": "green"}}, "spare.colour: got 'green', expected 'red' or 'blue'."),
        ({"spare": {}}, "spare.length: got nothing, expected a value. The key is required."),
        ({"spare": "red"}, "spare: got 'red', expected a mapping of length, colour."),
        ({"cables": ({"length": 1}, {"length": 0})}, "cables.1.length: got 0, expected a number greater than 0."),
        ({"cables": "red"}, "cables: got 'red', expected a list."),
    ],
)
def test_a_problem_is_told_by_its_dotted_field(settings: dict[str, Any], told: str) -> None:
    assert str(explained(**settings)) == told


def test_an_unknown_key_is_told_with_the_closest_known_one_and_all_allowed() -> None:
    assert str(explained(spare={"length": 1, "color": "red"})) == (
        "spare.color: got unknown key 'color', expected one of length, colour. Did you mean colour?"
    )
    assert str(explained(voltage=5)) == (
        "voltage: got unknown key 'voltage', expected one of link, spare, levels, cables."
    )


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ({"channel": 0}, "link.channel: got 0, expected a number from 1."),
        ({"channel": 15}, "link.channel: got 15, expected a number up to 14."),
        ({"channel": 3, "name": "A1"}, "link.name: got 'A1', expected a text that matches ^[a-z]+$."),
        ({"length": 0}, "link.length: got 0, expected a number greater than 0."),
        ({"length": 1, "colours": "red"}, "expected one of length, colour. Did you mean colour?"),
        (3, "link: got 3, expected a mapping of length, colour or a mapping of channel, name."),
    ],
)
def test_a_choice_is_told_by_the_branch_that_was_meant(link: object, told: str) -> None:
    message = str(explained(link=link))
    assert message.endswith(told)
    assert "Cable" not in message
    assert "Radio" not in message


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        ({"a": "high"}, "levels.a: got 'high', expected a number or a list."),
        ({"a": [1, "high"]}, "levels.a.1: got 'high', expected a number."),
        ({"a": float("nan")}, "levels.a: got nan, expected a finite number."),
        ({3: 1.0}, "levels.3: got 3, expected a text."),
    ],
)
def test_a_choice_of_plain_types_shows_no_names_of_types(levels: dict[object, object], told: str) -> None:
    assert str(explained(levels=levels)) == told


def test_several_problems_stand_on_lines_of_their_own() -> None:
    error = explained("lab", spare={"length": 0}, voltage=5, cables=3)
    assert str(error).splitlines() == [
        "lab.spare.length: got 0, expected a number greater than 0.",
        "lab.cables: got 3, expected a list.",
        "lab.voltage: got unknown key 'voltage', expected one of link, spare, levels, cables.",
    ]
    assert error.field == "lab.spare.length"
    assert [other.field for other in error.also] == ["lab.cables", "lab.voltage"]


def test_at_most_five_problems_are_told() -> None:
    assert len(str(explained(**{f"unknown{number}": 1 for number in range(20)})).splitlines()) == 5


def test_a_prefix_reaches_every_problem() -> None:
    error = explained("graph", spare={"length": 0}, voltage=5).within("workload")
    assert [line.split(":")[0] for line in str(error).splitlines()] == [
        "workload.graph.spare.length",
        "workload.graph.voltage",
    ]


def test_what_is_no_mapping_at_all_is_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Station.model_validate("station")
    assert str(explain(caught.value)) == "experiment: got 'station', expected a mapping of link, spare, levels, cables."


def test_an_unknown_key_is_shown_as_plain_text_elsewhere() -> None:
    assert json.dumps(explained(voltage=5).given) == '"voltage"'
