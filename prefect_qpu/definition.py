"""The base of all definitions: frozen, strict models whose unknown keys are errors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from prefect_qpu.errors import ExperimentError

_SHOWN = 5
_PLAIN_BRANCH = re.compile(r"str|int|float|bool|none|(list|dict|tuple|function-before)\[.*\]|\[key\]")
_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "a number greater than {gt:.12g}",
    "greater_than_equal": "a number from {ge:.12g}",
    "int_type": "an integer",
    "invalid_key": "a text as the key",
    "less_than": "a number less than {lt:.12g}",
    "less_than_equal": "a number up to {le:.12g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_long": "a text of length {max_length} or less",
    "string_too_short": "a text of length {min_length} or more",
    "string_type": "a text",
    "string_unicode": "a text in Unicode",
    "too_long": "a list of length {max_length} or less",
    "too_short": "a list of length {min_length} or more",
    "tuple_type": "a list",
}


def as_tuple(value: object) -> object:
    """A list as a tuple, so that JSON and YAML lists fit strict tuple fields."""
    return tuple(value) if isinstance(value, list) else value


def base_folder(info: ValidationInfo) -> Path:
    """The folder that paths in a definition start from: that of its file, else the current one."""
    return Path((info.context or {}).get("base") or ".")


class Definition(BaseModel):
    """A frozen pydantic model that accepts no unknown key, no NaN and no silent conversion of types."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        ser_json_inf_nan="constants",
    )


Seed = Annotated[int, Field(ge=0, lt=2**31)]
Shots = Annotated[int, Field(ge=1, le=10_000_000)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Seconds = Annotated[float, Field(ge=0)]


def explain(error: ValidationError, prefix: str = "", model: type[BaseModel] | None = None) -> ExperimentError:
    """One `ExperimentError` that tells the first problems of a definition by their dotted fields, one a line.

    Args:
        error: What pydantic found.
        prefix: Dotted path of the definition inside the document that the user wrote.
        model: The model, where several share its name.

    Example:
        >>> class Cable(Definition):
        ...     length: Annotated[float, Field(gt=0)]
        >>> try:
        ...     Cable.model_validate({"lenght": 3})
        ... except ValidationError as error:
        ...     print(explain(error, "lab.cable"))
        lab.cable.length: got nothing, expected a value. The key is required.
        lab.cable.lenght: got unknown key 'lenght', expected one of length. Did you mean length?
    """
    first, *others = [_told(problems, prefix) for problems in _likely(_problems(error, model))]
    return ExperimentError(
        first.field, given=first.given, expected=first.expected, hint=first.hint, also=others[: _SHOWN - 1]
    )


@dataclass(frozen=True)
class _Problem:
    """One of pydantic's errors, whose location is split at the label of a union's branch, if there is one."""

    details: ErrorDetails
    before: tuple[str, ...]
    branch: str | None
    after: tuple[str, ...]
    models: tuple[type[BaseModel], ...]
    """What stands, or may stand, at the location; for an unknown key, what has it."""

    @property
    def at_branch(self) -> bool:
        return self.branch is not None and not self.after

    @property
    def mismatch(self) -> bool:
        """Whether the value seems to be meant for another branch."""
        return self.details["type"] in {"missing", "extra_forbidden"} or (
            self.at_branch and self.details["type"].endswith("_type")
        )


class _UnknownKey(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"unknown key {super().__repr__()}"


def _problems(error: ValidationError, model: type[BaseModel] | None) -> list[_Problem]:
    roots = (model,) if model else tuple(each for each in _descendants(Definition) if each.__name__ == error.title)[-1:]
    return [_located(details, roots) for details in error.errors(include_url=False)]


def _located(details: ErrorDetails, models: tuple[type[BaseModel], ...]) -> _Problem:
    before: list[str] = []
    after: list[str] = []
    branch = None
    for part in details["loc"]:
        owner = next((model for model in models if part in model.model_fields), None)
        if owner is None and isinstance(part, str) and (named := _branch_models(part, models)) is not None:
            branch, models = branch or part, named
            continue
        (before if branch is None else after).append(str(part))
        if owner is not None:
            models = tuple(_models_in(owner.model_fields[str(part)].annotation))
    return _Problem(details, tuple(before), branch, tuple(after), models)


def _branch_models(label: str, models: tuple[type[BaseModel], ...]) -> tuple[type[BaseModel], ...] | None:
    """The models that a branch label names; none where it is no branch label."""
    named = tuple(model for model in models if re.search(rf"\b{model.__name__}\]?$", label))
    return named if named or _PLAIN_BRANCH.fullmatch(label) else None


def _likely(problems: list[_Problem]) -> list[list[_Problem]]:
    """Problems to tell, those of a union only for the branch that was meant; several together where none fits."""
    told: list[list[_Problem]] = []
    for _, group in groupby(problems, key=lambda problem: (problem.before, problem.branch is None)):
        found = list(group)
        if found[0].branch is None:
            told += [[problem] for problem in found]
        elif all(problem.at_branch and problem.mismatch for problem in found):
            told.append(found)
        else:
            told += [[problem] for problem in _meant(found)]
    return told


def _meant(problems: list[_Problem]) -> list[_Problem]:
    branches: dict[str | None, list[_Problem]] = {}
    for problem in problems:
        branches.setdefault(problem.branch, []).append(problem)
    return min(reversed(branches.values()), key=lambda branch: sum(problem.mismatch for problem in branch))


def _told(problems: list[_Problem], prefix: str) -> ExperimentError:
    problem = problems[0]
    kind = problem.details["type"]
    field = ".".join(filter(None, (prefix, *problem.before, *problem.after))) or "experiment"
    if kind == "extra_forbidden":
        return _unknown_key(field, problem)
    if kind == "missing":
        return ExperimentError(field, given=None, expected="a value", hint="The key is required.")
    expected = dict.fromkeys(_expected(problem) for problem in problems)
    return ExperimentError(field, given=problem.details["input"], expected=" or ".join(expected))


def _unknown_key(field: str, problem: _Problem) -> ExperimentError:
    key = str(problem.details["loc"][-1])
    known = [name for model in problem.models[:1] for name in model.model_fields]
    close = get_close_matches(key, known, n=1)
    return ExperimentError(
        field,
        given=_UnknownKey(key),
        expected=f"one of {', '.join(known)}" if known else "a known key",
        hint=f"Did you mean {close[0]}?" if close else "",
    )


def _expected(problem: _Problem) -> str:
    details = problem.details
    if details["type"] == "model_type":
        return f"a mapping of {', '.join(problem.models[0].model_fields)}" if problem.models else "a mapping"
    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    template = _EXPECTED.get(details["type"])
    if template is None:
        return details["msg"].removeprefix("Input should be ")
    return template.format(**details.get("ctx", {}))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from _descendants(child)
