"""The one place that imports mthree: the assignment matrix between the outcomes that were seen."""

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.errors import ExperimentError, MitigationRefusedError
from prefect_qpu.mitigation.outcomes import Outcomes
from prefect_qpu.mitigation.types import Values

MOST_OUTCOMES = 4000
"""Distinct outcomes whose dense matrix is still inverted: 128 MB, a few seconds."""


def check_mthree(field: str) -> None:
    """Refuse the subspace method where mthree is not installed.

    Raises:
        ExperimentError: says what to install.
    """
    if find_spec("mthree") is None:
        raise ExperimentError(
            field,
            given="mthree",
            expected="an installed mthree",
            hint="Install prefect-qpu[mthree], or use factorised.",
        )


def reduced_matrix(p01: Values, p10: Values, table: Outcomes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The matrix of chances to read one seen outcome for another, columns normalised, and the order of its rows.

    Args:
        p01: Chance to read 1 for 0 of each bit.
        p10: Chance to read 0 for 1 of each bit.
        table: The outcomes.

    Raises:
        MitigationRefusedError: there are too many distinct outcomes.
    """
    if len(table.shots) > MOST_OUTCOMES:
        raise MitigationRefusedError(
            f"{len(table.shots)} distinct outcomes, more than the {MOST_OUTCOMES} that mthree's matrix is made for; "
            f"use the factorised readout correction"
        )
    import mthree

    strings = ["".join(map(str, row[::-1])) for row in table.bits]
    counts = dict(zip(strings, table.shots.tolist(), strict=True))
    mitigation = mthree.M3Mitigation(None)
    mitigation.cals_from_matrices([np.array([[1 - a, b], [a, 1 - b]]) for a, b in zip(p01, p10, strict=True)])
    matrix, order = mitigation.reduced_cal_matrix(counts, list(range(len(p01))))
    place = {text: index for index, text in enumerate(strings)}
    return np.asarray(matrix), np.array([place[text] for text in order])
