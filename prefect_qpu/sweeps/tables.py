"""Columns of points from CSV and Parquet files, and from data frames."""

import csv
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from prefect_qpu.errors import ExperimentError

_LARGEST = 512 * 2**20


def read_columns(path: Path) -> dict[str, tuple[Any, ...]]:
    """The columns of a table in a file, by their names.

    Args:
        path: A file that ends in ``.csv`` or ``.parquet``.

    Raises:
        ExperimentError: the file is missing, too large, of another kind, or holds no table.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ExperimentError("axes.file", given=str(path), expected="a file that ends in .csv or .parquet")
    if not path.is_file():
        raise ExperimentError("axes.file", given=str(path), expected="an existing file")
    if path.stat().st_size > _LARGEST:
        size = f"{path}, {path.stat().st_size} bytes"
        raise ExperimentError("axes.file", given=size, expected=f"a table of at most {_LARGEST} bytes")
    return columns_of(_attempted(lambda: reader(path), path))


def columns_of(frame: Any) -> dict[str, tuple[Any, ...]]:
    """The columns of a pandas data frame, by their names.

    Example:
        >>> import pandas
        >>> columns_of(pandas.DataFrame({"shots": [100, 200]}))
        {'shots': (100, 200)}
    """
    _check_names([str(name) for name in frame.columns])
    return {str(name): tuple(frame[name].tolist()) for name in frame.columns}


def _check_names(names: Sequence[str]) -> None:
    for name, places in Counter(names).items():
        if places > 1:
            raise ExperimentError(f"axes.{name}", given="the column twice", expected="each column once")


def _attempted(read: Callable[[], Any], path: Path) -> Any:
    try:
        return read()
    except ImportError as error:
        hint = "Install pyarrow: pip install 'prefect-qpu[parquet]'."
        raise ExperimentError("axes.file", given=str(path), expected="a readable table", hint=hint) from error
    except (ValueError, OSError, csv.Error, Warning) as error:
        raise ExperimentError(
            "axes.file",
            given=str(path),
            expected="a readable table",
            hint=f"{' '.join(str(error).split())[:200].rstrip('.')}.",
        ) from error


def _read_csv(path: Path) -> Any:
    import pandas as pd

    with path.open(encoding="utf-8-sig", newline="") as lines:
        # Pandas would give the second of two equal names a number.
        _check_names(next(csv.reader(lines), []))
    with warnings.catch_warnings():
        # It would drop what a row holds beyond the header, or take its first value for a name of the row.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(path, index_col=False)


def _read_parquet(path: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(path)
