"""Flags: what in an estimate itself says that it may be no better than the raw value."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.mitigation.types import Values
from prefect_qpu.observables import Estimate, constant_of, norm_of

NOTICEABLE = 4.0
"""Standard errors that a correction must have. Where raw values are off by the correction, a method comes out farther
from the truth than raw if its own error exceeds half of it, here two standard errors."""
POSSIBLE = 3.0
"""Standard errors by which a value may exceed what the observable can be."""
ENOUGH_NEGATIVE = 30
"""Samples of negative sign from which on their own scatter tells the error."""
_WORST_FIT = 3.0
"""Root mean square residual, in standard errors, from which on a curve does not describe its points."""


def flagged(estimate: Estimate, raw: Estimate, observable: SparsePauliOp) -> Estimate:
    """The estimate, with its flags in the metadata under ``flags``: a list of sentences, empty if there is none.

    An estimate without flags differs from the raw value by so much that its own error can hardly make up for it, and is
    possible.

    Args:
        estimate: Of a method.
        raw: Of the same observable, without mitigation.
        observable: What both estimate.

    Example:
        >>> raw = Estimate(np.array(0.50), np.array(0.02), 1000)
        >>> better = Estimate(np.array(0.52), np.array(0.03), 2000)
        >>> flagged(better, raw, SparsePauliOp("Z")).metadata["flags"]
        ['not shown to be better than raw: moved by 0.02, uncertain by 0.036']
    """
    return replace(estimate, metadata={**estimate.metadata, "flags": list(_flags(estimate, raw, observable))})


def uncertainty(estimate: Estimate) -> Values:
    """Statistical and systematic error together."""
    return np.hypot(estimate.stderr, 0.0 if estimate.systematic is None else estimate.systematic)


def _flags(estimate: Estimate, raw: Estimate, observable: SparsePauliOp) -> Iterator[str]:
    moved = np.abs(estimate.value - raw.value)
    doubt = np.hypot(uncertainty(estimate), raw.stderr)
    unclear = moved < NOTICEABLE * doubt
    if np.any(unclear):
        size = f": moved by {float(moved):.2g}, uncertain by {float(doubt):.2g}" if not moved.shape else ""
        yield f"not shown to be better than raw{_where(unclear)}{size}"
    beyond = np.abs(estimate.value - constant_of(observable)) - norm_of(observable)
    impossible = beyond > POSSIBLE * estimate.stderr
    if np.any(impossible):
        yield f"outside of the observable's range{_where(impossible)}"
    if estimate.metadata.get("negative samples", ENOUGH_NEGATIVE) < ENOUGH_NEGATIVE:
        yield f"only {estimate.metadata['negative samples']} samples of negative sign"
    for fit, reason in estimate.metadata.get("refused fits", {}).items():
        yield f"no {fit} fit: {reason}"
    if estimate.metadata.get("residual", 0.0) > _WORST_FIT:
        yield "no curve describes the values at the noise scales"


def _where(points: NDArray[np.bool_]) -> str:
    """Which points of a parameter array, if there is more than one."""
    if not points.shape:
        return ""
    places = np.flatnonzero(points)
    return f" at {len(places)} of {points.size} points, first {places[0]}"
