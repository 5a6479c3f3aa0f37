"""The end of a sweep: its runs end, and points that could not be measured may be bought by others."""

import numpy as np

from prefect_qpu.sweeps.running import Execution
from prefect_qpu.sweeps.state import FAILED_POINT, point_states


def finish(execution: Execution, *, error: str | None = None) -> int:
    """How many points have failed; the runs of the execution have ended now.

    Args:
        execution: The execution.
        error: Why it was given up, with points that were not measured; none where all jobs have ended.
    """
    states = point_states(execution)
    failed = states == FAILED_POINT if error is None else states != "measured"
    keys = bought_keys(execution)
    execution.store.sweeps.release(execution.row.id, [keys[place] for place in np.flatnonzero(failed)])
    all_failed = bool(len(states)) and bool(failed.all())
    for run in execution.runs:
        run.finish("failed" if error is not None or all_failed else "promoted", error=error)
    return int(np.count_nonzero(failed))


def bought_keys(execution: Execution) -> list[bytes]:
    """The addresses of the points that the execution buys, by their places."""
    arrays = execution.store.submissions.parameters(execution.row.arrays_hash)
    own = np.flatnonzero(arrays["owner"] == 0)
    keys = [b""] * len(own)
    for index in own.tolist():
        keys[int(arrays["place"][index])] = arrays["key"][index].tobytes()
    return keys
