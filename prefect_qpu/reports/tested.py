"""Which test decided, in words: its level, power and sample size."""

from collections.abc import Mapping
from typing import Any

from prefect_qpu.reports.units import count, number

_NEARLY_ALL = 0.9999
"""Above, rounding would make a share the whole, which no test has."""


def tested(method: Mapping[str, Any]) -> str:
    """The test with all that it says of itself; nothing where there was none.

    Example:
        >>> tested({"test": "G-test", "level": 0.05, "power": 0.9, "shots": 400, "tests": 2, "looks": 1})
        'G-test; level 5 %, power 90 %, 400 shots, one of 2 tests'
        >>> tested({"test": "one-sided z test", "level": 0.05, "shots": 400}), tested({})
        ('one-sided z test; level 5 %, 400 shots', '')
        >>> tested({"test": "G-test", "level": 0.001, "power": 0.9999999})
        'G-test; level 0.1 %, power above 99.99 %'
    """
    if not method.get("test"):
        return ""
    shown = [
        _share("level", method.get("level")),
        _share("power", method.get("power")),
        None if method.get("shots") is None else f"{count(method['shots'])} shots",
        f"one of {method['tests']} tests" if method.get("tests", 1) > 1 else None,
        f"one of {method['looks']} looks" if method.get("looks", 1) > 1 else None,
    ]
    return f"{method['test']}; {', '.join(part for part in shown if part)}"


def _share(name: str, value: Any) -> str | None:
    if value is not None and value > _NEARLY_ALL:
        return f"{name} above {number(100 * _NEARLY_ALL, 4)} %"
    return None if value is None else f"{name} {number(100 * value, 4)} %"
