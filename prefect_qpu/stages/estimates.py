"""Estimates as rows of the record store: of a batch, of an earlier run, of a classical solver."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from prefect_qpu.observables import Estimate
from prefect_qpu.records import EstimateRow
from prefect_qpu.run import Run


def estimate_rows(
    exact: Mapping[str, float],
    estimates: Mapping[str, Mapping[str, Estimate]],
    source: str,
    multipliers: Mapping[str, float],
) -> list[EstimateRow]:
    """One row for each method, observable and point of the parameter array.

    Args:
        exact: The exact value of each observable where it is known.
        estimates: By method label and observable.
        source: What the rows say of where the counts come from.
        multipliers: Predicted variance multiplier by method label.
    """
    return [
        EstimateRow(
            source=source,
            method=method,
            observable=observable,
            point=point,
            value=float(value),
            stderr=float(stderr),
            systematic=None if estimate.systematic is None else float(np.ravel(estimate.systematic)[point]),
            shots=estimate.shots,
            variance_multiplier=multipliers.get(method),
            exact=exact.get(observable),
            details={**estimate.metadata, **_means(estimate)},
        )
        for method, by_observable in estimates.items()
        for observable, estimate in by_observable.items()
        for point, (value, stderr) in enumerate(zip(np.ravel(estimate.value), np.ravel(estimate.stderr), strict=True))
    ]


def _means(estimate: Estimate) -> dict[str, Any]:
    """What the shots of each group tell, so that the value's limits can be had from the row."""
    return {"means": [mean.document() for mean in estimate.means]} if estimate.means else {}


def estimate_document(estimate: Estimate) -> dict[str, Any]:
    """An estimate as JSON data, without its metadata but for its flags."""
    return {
        "value": estimate.value.tolist(),
        "stderr": estimate.stderr.tolist(),
        "systematic": None if estimate.systematic is None else estimate.systematic.tolist(),
        "shots": estimate.shots,
        "flags": list(estimate.metadata.get("flags", ())),
    }


def cached_rows(run: Run, earlier: str) -> list[EstimateRow]:
    """The quantum estimates of an earlier run, labelled as cached."""
    return [
        replace(row, source="cached", details={**row.details, "run_id": earlier})
        for row in run.store.runs.estimates(earlier)
        if row.source == "quantum"
    ]


def baseline_rows(baselines: Sequence[Mapping[str, Any]]) -> list[EstimateRow]:
    """The classical solvers' values as estimates without statistical error."""
    return [
        EstimateRow(
            source="classical",
            method=item["method"],
            observable=item["observable"],
            value=item["value"],
            stderr=0.0,
            shots=0,
            exact=item["value"] if item["exact"] else None,
            details={"bound": item["bound"]},
        )
        for item in baselines
    ]
