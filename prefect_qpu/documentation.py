"""JSON schemas with descriptions: the docstrings under a model's fields, read from its source when they are asked for.

Pydantic can collect them itself, but does so at import, for every model of the process and at the price of parsing each
module once for each class in it.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc
from typing import Any, Literal

from pydantic import BaseModel


def documented_schema(model: type[BaseModel], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    """The JSON schema of a model, in which every documented field has its description.

    Args:
        model: The model.
        mode: Whether the schema is that of what is read or of what is written.

    Example:
        >>> from prefect_qpu.experiment import Hypothesis
        >>> documented_schema(Hypothesis, "validation")["properties"]["range"]["description"]
        'Lowest and highest expected value, in units of the observable.'
    """
    schema = model.model_json_schema(mode=mode)
    classes = {name: found for found in _models(BaseModel) for name in (found.__name__,) if _ours(found)}
    for name, part in {model.__name__: schema, **schema.get("$defs", {})}.items():
        for field, text in _field_docstrings(classes[name]).items() if name in classes else ():
            if field in part.get("properties", {}):
                part["properties"][field].setdefault("description", text)
    return schema


def _models(parent: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in parent.__subclasses__():
        yield child
        yield from _models(child)


def _ours(model: type[BaseModel]) -> bool:
    return model.__module__.split(".")[0] == __name__.split(".")[0]


def _field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each annotated field of a class and of its parents."""
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if issubclass(parent, BaseModel) and _ours(parent):
            found |= _docstrings_in(parent.__module__).get(parent.__name__, {})
    return found


@cache
def _docstrings_in(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_documented(node)) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _documented(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            yield field.target.id, cleandoc(str(text.value.value))  # type: ignore[attr-defined]
