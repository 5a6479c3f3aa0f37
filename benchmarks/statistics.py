"""How often the gate's tests are wrong: simulated experiments at the edge of what they promise.

    python -m benchmarks.statistics [experiments [words of a title]]

Tables are printed in markdown, as docs/statistics.md shows them. Sums of several groups,
replicates and G-tests take a tenth of the experiments, pairs of estimates a quarter, distances a fiftieth.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from math import sqrt

import numpy as np

from benchmarks.statistics_cases import SUMS, Sum, distance_cases, pauli_estimate, sum_estimate
from prefect_qpu.observables import norm_of
from prefect_qpu.statistics import (
    Kind,
    agrees,
    clopper_pearson,
    distance,
    equivalence,
    goodness_of_fit,
    near,
    shots_for_equivalence,
    shots_to_notice,
    shots_to_succeed,
    stable,
    succeeds,
    wilson,
)

SHOTS = (50, 100, 200, 500, 4000)
TOLERANCES = (0.05, 0.1, 0.2)
VALUES = (0.0, 0.5, 0.9, 0.99, 1.0)
LEVEL = 0.05
Z = 1.6448536269514722


def main(experiments: int, words: str = "") -> None:
    for title, table in TABLES.items():
        if words not in title:
            continue
        print(f"\n### {title}\n", flush=True)
        rows = list(table(experiments))
        print("| " + " | ".join(rows[0]) + " |")
        print("|---" * len(rows[0]) + "|")
        for row in rows[1:]:
            print("| " + " | ".join(cell if isinstance(cell, str) else f"{cell:.3f}" for cell in row) + " |")


Row = Sequence[str | float]


def edges(experiments: int) -> Iterator[Row]:
    """One Pauli whose true value lies exactly at the tolerance: the worst over values and sides."""
    yield ("shots", "cases", "`agrees`", "`equivalence` with shots", "normal interval", "difference within tolerance")
    for shots in SHOTS:
        worst = np.zeros(4)
        cases = [(value, tolerance, side) for value, tolerance, side in product(VALUES, TOLERANCES, (-1, 1))]
        cases = [case for case in cases if abs(case[0] + case[2] * case[1]) <= 1]
        for place, (value, tolerance, side) in enumerate(cases):
            seen = flips(value + side * tolerance, shots, experiments, place)
            rates = [
                share(seen, lambda item, case=(kind, shots, value, tolerance): promotes(case[0], item, *case[1:]))
                for kind in range(4)
            ]
            worst = np.maximum(worst, rates)
        yield (str(shots), str(len(cases)), *worst)


@cache
def promotes(kind: int, seen: int, shots: int, reference: float, tolerance: float) -> bool:
    estimate = pauli_estimate(seen, shots)
    difference, stderr = float(estimate.value) - reference, float(estimate.stderr)
    if kind == 0:
        return agrees(estimate, reference, tolerance).verdict == "pass"
    if kind == 1:
        return equivalence(difference, stderr, tolerance, shots=shots).verdict == "pass"
    return abs(difference) + (Z * stderr if kind == 2 else 0.0) < tolerance


def verdicts(experiments: int) -> Iterator[Row]:
    """All three verdicts of one Pauli against its reference."""
    yield ("reference", "true value", "tolerance", "shots", "pass", "fail", "inconclusive")
    cases = [
        (0.0, 0.0, 0.1, 200),
        (0.0, 0.0, 0.1, 2000),
        (0.9, 0.9, 0.1, 200),
        (0.9, 0.8, 0.1, 200),
        (0.9, 0.7, 0.1, 200),
        (0.99, 0.99, 0.05, 500),
        (0.99, 0.94, 0.05, 500),
        (1.0, 1.0, 0.05, 100),
        (1.0, 1.0, 0.05, 200),
        (1.0, 0.95, 0.05, 200),
        (1.0, 0.8, 0.05, 200),
    ]
    for place, (reference, true, tolerance, shots) in enumerate(cases):
        seen = flips(true, shots, experiments, place)
        judged = {
            item: agrees(pauli_estimate(item, shots), reference, tolerance).verdict for item in set(seen.tolist())
        }
        rates = [
            share(seen, lambda item, judged=judged, word=word: judged[item] == word)
            for word in ("pass", "fail", "inconclusive")
        ]
        yield (f"{reference:g}", f"{true:g}", f"{tolerance:g}", str(shots), *rates)


def powers(experiments: int) -> Iterator[Row]:
    """The shots that are planned give the power that was asked for."""
    yield (
        "true value",
        "tolerance",
        "difference",
        "power",
        "planned shots",
        "`agrees`",
        "`equivalence`",
        "false failures",
    )
    for place, (value, (tolerance, part), power) in enumerate(
        product((0.0, 0.9, 0.99, 1.0), ((0.05, 0.0), (0.05, 0.5)), (0.8, 0.9))
    ):
        difference = part * tolerance
        shots = shots_for_equivalence(1 - value**2, tolerance, difference=difference, power=power)
        assert shots is not None
        reference = value + difference if value + difference <= 1 else value - difference
        seen = flips(value, shots, experiments, place)
        case = (shots, reference, tolerance)
        rates = [
            share(seen, lambda item, case=case: promotes(0, item, *case)),
            share(seen, lambda item, case=case: promotes(1, item, *case)),
            share(seen, lambda item, case=case: _fails(item, *case, 1)),
        ]
        yield (f"{value:g}", f"{tolerance:g}", f"{difference:g}", f"{power:g}", str(shots), *rates)


def sums(experiments: int) -> Iterator[Row]:
    """Weighted sums of several groups at the edge, from counts."""
    yield (
        "observable",
        "shots of each group",
        "`agrees`, upper edge",
        "lower edge",
        "`equivalence`, worst",
        "normal, worst",
    )
    for name, item in SUMS.items():
        for shots in (50, 200, 500):
            upper, lower = (_sum_rates(item, shots, side, experiments // 10) for side in (1, -1))
            yield (name, str(shots), upper[0], lower[0], *np.maximum(upper[1:], lower[1:]))


def _sum_rates(item: Sum, shots: int, side: int, experiments: int) -> np.ndarray:
    random, passed = np.random.default_rng(shots), np.zeros(3)
    tolerance, norm = item.tolerance * (1 if shots > 50 else 2), norm_of(item.operator)
    reference = item.value - side * tolerance
    for _ in range(experiments):
        estimate = sum_estimate(item, shots, random)
        difference, stderr = float(estimate.value) - reference, float(estimate.stderr)
        passed += (
            agrees(estimate, reference, tolerance).verdict == "pass",
            equivalence(difference, stderr, tolerance, shots=estimate.shots, norm=norm).verdict == "pass",
            abs(difference) + Z * stderr < tolerance,
        )
    return passed / experiments


def systematics(experiments: int) -> Iterator[Row]:
    """A systematic part that is the limit of a bias, or its standard deviation, at the edge."""
    yield ("systematic / standard error", "bias at its limit", "normal bias", "added only", "in quadrature only")
    random, stderr, tolerance = np.random.default_rng(5), 0.02, 0.3
    for ratio in (0.0, 0.3, 1.0, 3.0):
        size, noise = ratio * stderr, random.normal(0, stderr, (2, experiments))
        limit = tolerance - size + noise[0]
        drawn = tolerance + random.normal(0, size, experiments) + noise[1] if size else tolerance + noise[1]

        def passes(values: np.ndarray, reach: Callable[[float], float] | None = None, size: float = size) -> float:
            if reach is not None:
                return float(np.mean(values + reach(size) < tolerance))
            return float(
                np.mean([equivalence(item, stderr, tolerance, systematic=size).verdict == "pass" for item in values])
            )

        added = max(passes(values, lambda part: Z * stderr + part) for values in (limit, drawn))
        joined = max(passes(values, lambda part: Z * float(np.hypot(stderr, part))) for values in (limit, drawn))
        yield (f"{ratio:g}", passes(limit), passes(drawn), added, joined)


def pairs(experiments: int) -> Iterator[Row]:
    """Two estimates, as hardware against simulation, exactly the tolerance apart."""
    experiments //= 4
    yield ("values", "shots", "tolerance", "`agrees`", "normal interval")
    for (first, second), (ours, theirs), tolerance in (
        ((0.05, -0.05), (500, 500), 0.1),
        ((0.9, 1.0), (100, 4000), 0.1),
        ((0.9, 1.0), (200, 200), 0.1),
        ((0.94, 0.99), (500, 500), 0.05),
        ((0.98, 0.93), (500, 2000), 0.05),
        ((0.8, 1.0), (50, 50), 0.2),
    ):
        left, right = flips(first, ours, experiments, 1), flips(second, theirs, experiments, 2)
        passed = plain = 0
        for one, two in zip(left, right, strict=True):
            a, b = pauli_estimate(int(one), ours), pauli_estimate(int(two), theirs)
            passed += agrees(a, b, tolerance).verdict == "pass"
            stderr = sqrt(float(a.stderr) ** 2 + float(b.stderr) ** 2)
            plain += abs(float(a.value) - float(b.value)) + Z * stderr < tolerance
        yield (
            f"{first:g} and {second:g}",
            f"{ours} and {theirs}",
            f"{tolerance:g}",
            passed / len(left),
            plain / len(left),
        )


def looks(experiments: int) -> Iterator[Row]:
    """Growing data at the edge, tested after every batch until something passes."""
    yield (
        "reference",
        "batch",
        "looks",
        "level shared",
        "level not shared",
        "inside: passes at last",
        "looks until then",
    )
    for (value, tolerance, batch), number in product(((0.0, 0.1, 500), (0.9, 0.1, 100), (1.0, 0.05, 100)), (3, 5)):
        rates = []
        for shared, true in ((number, value - tolerance), (1, value - tolerance), (number, value)):
            seen = np.cumsum([flips(true, batch, experiments, 10 + look) for look in range(number)], axis=0)
            when = np.array(
                [
                    next(
                        (
                            k + 1
                            for k in range(number)
                            if _looked(int(row[k]), batch * (k + 1), value, tolerance, shared)
                        ),
                        0,
                    )
                    for row in seen.T
                ]
            )
            rates.append(float(np.mean(when > 0)))
        yield (f"{value:g}", str(batch), str(number), *rates, float(when[when > 0].mean()) if when.any() else "-")


@cache
def _looked(seen: int, shots: int, reference: float, tolerance: float, number: int) -> bool:
    return agrees(pauli_estimate(seen, shots), reference, tolerance, looks=number).verdict == "pass"


def several(experiments: int) -> Iterator[Row]:
    """Several observables of which all must pass, one at the edge; and of which none may fail, all at the edge."""
    yield ("observables", "one at the edge: all pass", "all at the edge: one fails", "the same, level not divided")
    for number in (1, 5, 20):
        value, tolerance, shots = 0.8, 0.05, 4000
        edge = [promotes(0, int(item), shots, value, tolerance) for item in flips(0.75, shots, experiments, 3)]
        right = np.ones(experiments, dtype=bool)
        for place in range(number - 1):
            seen = flips(value, shots, experiments, 100 + place)
            right &= [promotes(0, int(item), shots, value, tolerance) for item in seen]
        # Nowhere inside the tolerance is a failure more probable than at its edge.
        failed = [
            np.any(
                [
                    [
                        _fails(int(item), shots, value, tolerance, tests)
                        for item in flips(0.75, shots, experiments, 200 + place)
                    ]
                    for place in range(number)
                ],
                axis=0,
            )
            for tests in (number, 1)
        ]
        yield (str(number), float(np.mean(np.array(edge) & right)), *(float(np.mean(item)) for item in failed))


@cache
def _fails(seen: int, shots: int, reference: float, tolerance: float, tests: int) -> bool:
    return agrees(pauli_estimate(seen, shots), reference, tolerance, tests=tests).verdict == "fail"


def replicates(experiments: int) -> Iterator[Row]:
    """Runs that differ by more than their shots tell, their mean at the edge."""
    experiments //= 10
    yield ("replicates", "spread between runs / within", "`stable`", "standard error of the shots alone")
    random, tolerance, within = np.random.default_rng(9), 0.05, 0.01
    for number, ratio in product((3, 5, 10), (0.0, 1.0, 3.0)):
        passed = plain = 0
        for _ in range(experiments):
            values = tolerance + random.normal(0, ratio * within, number) + random.normal(0, within, number)
            passed += stable(values.tolist(), [within] * number, 0.0, tolerance).verdict == "pass"
            plain += values.mean() + Z * within / sqrt(number) < tolerance
        yield (str(number), f"{ratio:g}", passed / experiments, plain / experiments)


def successes(experiments: int) -> Iterator[Row]:
    """A success probability that is exactly the wanted one, and the power of the planned shots."""
    yield (
        "wanted",
        "shots",
        "`succeeds`",
        "Wilson bound",
        "observed share",
        "planned at a truth of",
        "for power 0.9",
        "passes",
    )
    for place, (least, true) in enumerate(((0.02, 0.05), (0.1, 0.2), (0.5, 0.6), (0.9, 0.95), (0.99, 0.999))):
        for shots in (50, 500):
            seen = np.random.default_rng(place).binomial(shots, least, experiments)
            exact = share(seen, lambda item, case=(shots, least): _succeeds(item, *case))
            bound = share(seen, lambda item, case=(shots, least): wilson(item, case[0], 1 - 2 * LEVEL)[0] >= case[1])
            planned = shots_to_succeed(true, least)
            assert planned is not None
            drawn = np.random.default_rng(place).binomial(planned, true, experiments)
            passes = share(drawn, lambda item, case=(planned, least): _succeeds(item, *case))
            yield (
                f"{least:g}",
                str(shots),
                exact,
                bound,
                np.mean(seen / shots >= least),
                f"{true:g}",
                str(planned),
                passes,
            )


@cache
def _succeeds(seen: int, shots: int, least: float) -> bool:
    return succeeds(seen, shots, least).verdict == "pass"


def intervals(experiments: int) -> Iterator[Row]:
    """How often two-sided intervals of 95 % hold a success probability."""
    yield ("probability", "shots", "normal", "Wilson", "Clopper-Pearson")
    for probability, shots in product((0.5, 0.9, 0.99), (50, 200)):
        seen = np.random.default_rng(7).binomial(shots, probability, experiments)
        held = [
            np.mean([low <= probability <= high for low, high in (rule(int(item), shots) for item in seen)])
            for rule in (_normal, wilson, clopper_pearson)
        ]
        yield (f"{probability:g}", str(shots), *held)


def _normal(seen: int, shots: int) -> tuple[float, float]:
    share = seen / shots
    reach = 1.959964 * sqrt(share * (1 - share) / shots)
    return share - reach, share + reach


def goodness(experiments: int) -> Iterator[Row]:
    """The G-test on counts of the exact distribution, and of one at a distance of 0.1."""
    experiments //= 10
    yield ("outcomes", "distribution", "shots", "exact: fails", "planned for 0.1", "at 0.1: fails")
    for number, flat in product((2, 8, 32), (True, False)):
        random = np.random.default_rng(number)
        shares = np.full(number, 1 / number) if flat else np.sort(random.dirichlet(np.full(number, 0.5)))
        exact = dict(enumerate(shares.tolist()))
        planned = shots_to_notice(0.1, number - 1)
        moved = _moved(shares, 0.1)
        for shots in (200, 4000):
            failed = [_g_fails(random.multinomial(shots, shares), exact) for _ in range(experiments)]
            noticed = [_g_fails(random.multinomial(planned, moved), exact) for _ in range(experiments)]
            yield (
                str(number),
                "flat" if flat else "uneven",
                str(shots),
                np.mean(failed),
                str(planned),
                np.mean(noticed),
            )


def _g_fails(counts: np.ndarray, exact: Mapping[int, float]) -> bool:
    return goodness_of_fit(dict(enumerate(counts.tolist())), exact).verdict == "fail"


def _moved(shares: np.ndarray, by: float) -> np.ndarray:
    """A distribution at a total variation distance: what the less probable half gains, the other half loses."""
    half = len(shares) // 2
    low, high = shares[:half].sum(), shares[half:].sum()
    return np.concatenate([shares[:half] * (1 + by / low), shares[half:] * (1 - by / high)])


def distances(experiments: int) -> Iterator[Row]:
    """How often two-sided intervals of 90 % hold the true distance."""
    yield (
        "distance",
        "reference",
        "outcomes",
        "shots",
        "true",
        "observed, mean",
        "held",
        "true below",
        "true above",
        "refused",
    )
    for kind in ("total variation", "hellinger"):
        for case in distance_cases():
            yield (kind, *_covered(kind, case, max(200, experiments // 50)))


def _covered(kind: Kind, case: tuple[str, np.ndarray, np.ndarray, int], repeats: int) -> Row:
    name, reference, true, shots = case
    random = np.random.default_rng(11)
    value = 0.5 * abs(true - reference).sum()
    if kind == "hellinger":
        value = sqrt(max(0.0, 1 - float(np.sqrt(true * reference).sum())))
    exact, found = dict(enumerate(reference.tolist())), []
    for seed in range(repeats):
        counts = dict(enumerate(random.multinomial(shots, true).tolist()))
        found.append(distance(counts, exact, kind, seed=seed))
    bounds = [item.interval for item in found if item.interval is not None]
    below = sum(value < low - 1e-9 for low, _ in bounds) / max(1, len(bounds))
    above = sum(value > high + 1e-9 for _, high in bounds) / max(1, len(bounds))
    seen = float(np.mean([item.value for item in found]))
    held: Row = (1 - below - above, below, above) if bounds else ("-", "-", "-")
    return (name, str(len(reference)), str(shots), value, seen, *held, 1 - len(bounds) / repeats)


def near_edges(experiments: int) -> Iterator[Row]:
    """Counts whose distribution lies exactly at the tolerance of 0.1, and half as far."""
    yield (
        "outcomes",
        "shots",
        "at 0.1: passes",
        "at 0.1: fails",
        "at 0.05: passes",
        "observed distance within 0.1, at 0.1",
    )
    random = np.random.default_rng(13)
    for number, shots in ((2, 500), (8, 2000), (32, 4000), (256, 4000)):
        shares = np.full(number, 1 / number)
        exact = dict(enumerate(shares.tolist()))
        rates = []
        for by in (0.1, 0.05):
            found = [
                near(dict(enumerate(random.multinomial(shots, _moved(shares, by)).tolist())), exact, 0.1, seed=seed)
                for seed in range(max(200, experiments // 50))
            ]
            rates.append([np.mean([str(item.verdict) == word for item in found]) for word in ("pass", "fail")])
            if by == 0.1:
                plain = np.mean([item.observed < 0.1 for item in found])
        yield (str(number), str(shots), *rates[0], rates[1][0], plain)


def share(seen: np.ndarray, holds: Callable[[int], bool]) -> float:
    """Part of the experiments for which something holds that depends on one number."""
    numbers, times = np.unique(seen, return_counts=True)
    return float(sum(times[[bool(holds(int(item))) for item in numbers]]) / len(seen))


def flips(value: float, shots: int, experiments: int, seed: int) -> np.ndarray:
    """Shots of value -1, of a Pauli of this mean."""
    return np.random.default_rng(seed).binomial(shots, min(1.0, max(0.0, (1 - value) / 2)), experiments)


TABLES: Mapping[str, Callable[[int], Iterator[Row]]] = {
    "One Pauli at the edge: how often it passes": edges,
    "All three verdicts": verdicts,
    "Planned shots and power": powers,
    "Weighted sums over several groups at the edge: how often they pass": sums,
    "The systematic part at the edge: how often it passes": systematics,
    "Two estimates at the edge: how often they pass": pairs,
    "Repeated looks at the edge": looks,
    "Several observables": several,
    "Replicates at the edge: how often they pass": replicates,
    "Success probability": successes,
    "Intervals of a success probability": intervals,
    "The G-test": goodness,
    "Distances: how often intervals of 90 % hold": distances,
    "Distances at the tolerance": near_edges,
}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, " ".join(sys.argv[2:]))
