"""Numbers as people read them: values with uncertainties, durations, sizes, probabilities, frequencies."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from json import dumps
from math import floor, isfinite, isinf, isnan, log10
from typing import Any

MISSING = "\u2013"
NARROW = "\u202f"
"""Narrow no-break space, between groups of digits and before units."""
MINUS = "\u2212"
ROUNDING = 1e-12
"""Below, a value that was computed and not measured is 0 but for rounding."""
_FINEST, _LARGEST = -9, 1e9
"""Last decimal place, and largest value, that are written without a power of ten."""
_MICROSECOND, _MILLISECOND, _MINUTE, _HOUR, _DAY = 1e-6, 1e-3, 60.0, 3600.0, 86_400.0


def concise(value: float | None, stderr: float | None) -> str:
    """A value with its standard error in brackets, in units of the last digit; two digits if the first is a one.

    Source: Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008), 7.2.2.

    Example:
        >>> concise(0.91342, 0.0071), concise(0.91342, 0.0123), concise(1534.2, 31), concise(2.5, None)
        ('0.913(7)', '0.913(12)', '1530(30)', '2.5')
    """
    parts = _rounded(value, stderr)
    if parts is None:
        return number(value)
    shown, error, place = parts
    digits = f"{error:f}" if place >= 0 or error >= 1 else str(int(error.scaleb(-place)))
    return _signed(f"{shown:f}({digits})")


def plus_minus(value: float | None, stderr: float | None) -> str:
    """A value and its standard error, both to the digits that mean something.

    Example:
        >>> plus_minus(0.91342, 0.0071), plus_minus(-12.0, 2.44), plus_minus(1e-12, 2e-13)
        ('0.913 ± 0.007', '−12 ± 2', '1e−12 ± 2e−13')
    """  # noqa: RUF002
    parts = _rounded(value, stderr)
    if parts is not None:
        return _signed(f"{parts[0]:f} ± {parts[1]:f}")
    if value is None or not stderr or not isfinite(stderr) or not isfinite(value):
        return number(value)
    return f"{number(value, 4)} ± {number(stderr, 2)}"


def number(value: float | None, digits: int = 6) -> str:
    """A number to so many significant digits, trailing zeros left out; integers are grouped.

    Example:
        >>> number(0.5), number(-1.23456789, 4), number(None), number(float("nan"))
        ('0.5', '−1.235', '–', 'not a number')
    """  # noqa: RUF002
    if value is None:
        return MISSING
    if isnan(value):
        return "not a number"
    if isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == int(value) and abs(value) < _LARGEST:
        return count(int(value))
    return _signed(f"{value:.{digits}g}")


def settled(value: float) -> float:
    """A computed value, 0 where only rounding keeps it from that.

    Example:
        >>> settled(-5.6e-17), settled(1e-9)
        (0.0, 1e-09)
    """
    return value if abs(value) > ROUNDING else 0.0


def interval_text(low: float, high: float) -> str:
    """An interval, its ends to the digits that its width gives meaning.

    Example:
        >>> interval_text(0.89912, 0.92688)
        '[0.899, 0.927]'
    """
    return f"[{_like(low, low, high)}, {_like(high, low, high)}]"


def within(value: float, low: float, high: float) -> str:
    """A value and its interval, to the digits that the interval's width gives meaning.

    Example:
        >>> within(2.2e-16, -0.0006, 0.0006), within(0.87064, 0.8555, 0.8857)
        ('0.0000 [−0.0006, 0.0006]', '0.871 [0.856, 0.886]')
    """  # noqa: RUF002
    return f"{_like(value, low, high)} {interval_text(low, high)}"


def count(value: int) -> str:
    r"""An integer, its digits in groups of three from five digits on.

    Example:
        >>> count(4096), count(16384) == "16\u202f384"
        ('4096', True)
    """
    grouped = abs(value) >= 10_000
    return _signed(f"{value:,}".replace(",", NARROW) if grouped else str(value))


def seconds(value: float | None) -> str:
    r"""A duration in the unit that fits: microseconds to days, three significant digits.

    Example:
        >>> [seconds(item).replace("\u202f", " ") for item in (0.00005, 0.05, 1.234, 75, 10_900)]
        ['50 µs', '50 ms', '1.23 s', '1 min 15 s', '3 h 2 min']
    """
    if value is None or not isfinite(value):
        return number(value)
    if value < 0:
        return MINUS + seconds(-value)
    if value == 0:
        return f"0{NARROW}s"
    for unit, size, limit in (("µs", _MICROSECOND, _MILLISECOND), ("ms", _MILLISECOND, 1.0), ("s", 1.0, _MINUTE)):
        shown = _three_digits(value / size)
        if value < limit and float(shown) * size < limit:
            return f"{shown}{NARROW}{unit}"
    return _clock(value)


def data_size(value: float | None) -> str:
    r"""A size in bytes with decimal prefixes.

    Example:
        >>> [data_size(item).replace("\u202f", " ") for item in (12, 4200, 3_500_000)]
        ['12 B', '4.2 kB', '3.5 MB']
    """
    if value is None:
        return MISSING
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size * 0.9995:
            return f"{_three_digits(value / size)}{NARROW}{prefix}B"
    return f"{value:.0f}{NARROW}B"


def probability(value: float | None) -> str:
    r"""A probability in per cent, three significant digits.

    Example:
        >>> [probability(item).replace("\u202f", " ") for item in (0.5, 0.01234, 0.00031)]
        ['50 %', '1.23 %', '0.031 %']
    """
    return number(value) if value is None or not isfinite(value) else f"{number(100 * value, 3)}{NARROW}%"


def frequency(value: float | None) -> str:
    r"""A frequency in the unit that fits: hertz to gigahertz, four significant digits.

    Example:
        >>> frequency(4.9713e9).replace("\u202f", " ")
        '4.971 GHz'
    """
    if value is None or not isfinite(value):
        return number(value)
    prefix, size = next((item for item in (("G", 1e9), ("M", 1e6), ("k", 1e3)) if value >= item[1]), ("", 1.0))
    return f"{number(value / size, 4)}{NARROW}{prefix}Hz"


def timestamp(value: datetime | None) -> str:
    """A time in UTC, to the second.

    Example:
        >>> timestamp(datetime(2026, 3, 1, 12, tzinfo=UTC))
        '2026-03-01 12:00:00 UTC'
    """
    return MISSING if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def by_name(name: str, value: Any) -> str:
    r"""A value of free-form data, in the unit that its name tells.

    Example:
        >>> [by_name(*item).replace("\u202f", " ") for item in (("median_t1", 1.2e-4), ("payload_bytes", 5200))]
        ['120 µs', '5.2 kB']
        >>> by_name("exact", True), by_name("edges", [[0, 1]])
        ('yes', '[[0, 1]]')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _in_unit(name.lower().replace(" ", "_"), value)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, str | None):
        return value or MISSING
    return _composed(value)


def title(name: str) -> str:
    """A key of data as a heading.

    Example:
        >>> title("median_two_qubit_error"), title("median_t1"), title("qpu_seconds")
        ('Median two-qubit error', 'Median T₁', 'QPU time')
    """
    plain = name.replace("[s]", "time").replace("[bytes]", "").replace("_", " ").replace("two qubit", "two-qubit")
    words = plain.split()
    spelled = [_SPELLED.get(word.lower(), word) for word in words]
    text = " ".join(word for word in spelled if word) or name
    return text[:1].upper() + text[1:]


_SPELLED = {"t1": "T₁", "t2": "T₂", "qpu": "QPU", "seconds": "time", "bytes": "", "num": "number of"}
"""Words as a reader expects them; units go, for they stand beside the value."""


def _composed(value: Any) -> str:
    if not value:
        return "none"
    if isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
        return "; ".join(", ".join(by_name(key, part) for key, part in item.items()) for item in value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, list | tuple) and all(isinstance(item, float) for item in value):
        return ", ".join(number(item, 4) for item in value)
    return dumps(value, ensure_ascii=False, default=str)


def _in_unit(name: str, value: float) -> str:
    if name.endswith("[s]"):
        return seconds(value)
    if "bytes" in name:
        return data_size(value)
    if "frequency" in name:
        return frequency(value)
    words = set(name.split("_"))
    if words & {"seconds", "duration", "t1", "t2", "dt", "wall", "age"} or name.endswith("time"):
        return seconds(value)
    if words & {"error", "probability"} and 0 <= value <= 1:
        return probability(value)
    return number(value, 3) if "money" in name else number(value)


def _rounded(value: float | None, stderr: float | None) -> tuple[Decimal, Decimal, int] | None:
    """Value and error rounded to the place where the error has one digit (two if the first is one), and that place."""
    if value is None or stderr is None or not (isfinite(value) and isfinite(stderr)) or stderr <= 0:
        return None
    place = floor(log10(stderr))
    if stderr < 1.95 * 10.0**place:
        place -= 1
    if place < _FINEST or max(abs(value), stderr) >= _LARGEST:
        return None
    unit = Decimal(1).scaleb(place)
    shown, error = ((Decimal(item) / unit).quantize(Decimal(1)) * unit + 0 for item in (value, stderr))
    return shown, error, place


def _like(value: float, low: float, high: float) -> str:
    """A value to the second digit of the width of an interval."""
    width = abs(high - low)
    if not isfinite(width) or width <= 0 or not isfinite(value):
        return number(value)
    place = max(0, 1 - floor(log10(width)))
    if place > -_FINEST or max(abs(low), abs(high), abs(value)) >= _LARGEST:
        return number(value, 4)
    text = f"{value:.{place}f}"
    return text.removeprefix("-") if float(text) == 0 else _signed(text)


def _signed(text: str) -> str:
    return text.replace("-", MINUS)


def _three_digits(value: float) -> str:
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def _clock(value: float) -> str:
    whole = round(value)
    if whole < _HOUR:
        return _two(whole, ("min", _MINUTE), ("s", 1))
    return _two(value, ("h", _HOUR), ("min", _MINUTE)) if value < _DAY else _two(value, ("d", _DAY), ("h", _HOUR))


def _two(value: float, large: tuple[str, float], small: tuple[str, float]) -> str:
    parts = round(value / small[1])
    major, minor = divmod(parts, round(large[1] / small[1]))
    return f"{major}{NARROW}{large[0]}" + (f"{NARROW}{minor}{NARROW}{small[0]}" if minor else "")
