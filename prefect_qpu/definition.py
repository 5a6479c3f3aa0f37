"""The base of all definitions: frozen, strict models whose unknown keys are errors."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prefect_qpu.errors import ExperimentError


def as_tuple(value: object) -> object:
    """A list as a tuple, so that JSON and YAML lists fit strict tuple fields."""
    return tuple(value) if isinstance(value, list) else value


class Definition(BaseModel):
    """A frozen pydantic model that accepts no unknown key, no NaN and no silent conversion of types."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
        ser_json_inf_nan="constants",
    )


Seed = Annotated[int, Field(ge=0, lt=2**31)]
Shots = Annotated[int, Field(ge=1, le=10_000_000)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Seconds = Annotated[float, Field(ge=0)]


def explain(error: ValidationError, prefix: str = "") -> ExperimentError:
    """One `ExperimentError` that tells the problems of a definition by their dotted fields."""
    first = error.errors()[0]
    field = ".".join([prefix, *map(str, first["loc"])]).strip(".")
    return ExperimentError(field, given=first["input"], expected=first["msg"])
