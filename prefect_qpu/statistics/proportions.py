"""Success probabilities: intervals that hold for few shots and near 0 and 1, and whether a threshold is reached."""

from math import ceil, sqrt

from scipy.special import bdtr, betaincinv

from prefect_qpu.errors import InputError
from prefect_qpu.statistics.demands import Demand
from prefect_qpu.statistics.quantiles import checked_confidence, normal_quantile
from prefect_qpu.statistics.results import TestResult, Verdict

PROPORTION = "one-sided exact binomial test"
_MOST_SHOTS = 10**9


def wilson(successes: int, shots: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Wilson interval of a success probability: on average as often right as it claims, at every probability.

    For single probabilities it can be right less often; `succeeds` decides by `clopper_pearson`.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927); L. D. Brown, T. T. Cai, A. DasGupta, Stat. Sci. 16, 101
    (2001).

    Raises:
        InputError: the numbers are no successes among shots.

    Example:
        >>> [round(bound, 4) for bound in wilson(50, 50)], [round(bound, 4) for bound in wilson(25, 50)]
        ([0.9287, 1.0], [0.3664, 0.6336])
    """
    _check(successes, shots)
    square = normal_quantile((1 + checked_confidence(confidence)) / 2) ** 2
    centre = (successes + square / 2) / (shots + square)
    inner = successes * (shots - successes) / shots + square / 4
    reach = sqrt(square * inner) / (shots + square)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def clopper_pearson(successes: int, shots: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided exact interval of a success probability: never less often right than it claims, mostly more often.

    Source: C. J. Clopper, E. S. Pearson, Biometrika 26, 404 (1934).

    Raises:
        InputError: the numbers are no successes among shots.

    Example:
        >>> [[round(bound, 4) for bound in clopper_pearson(seen, 50)] for seen in (50, 25)]
        [[0.9289, 1.0], [0.3553, 0.6447]]
    """
    _check(successes, shots)
    miss = (1 - checked_confidence(confidence)) / 2
    failures = shots - successes
    low = float(betaincinv(successes, failures + 1, miss)) if successes else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - miss)) if failures else 1.0
    return low, high


def succeeds(
    successes: int,
    shots: int,
    least: float,
    *,
    confidence: float = 0.95,
    power: float = 0.9,
    looks: int = 1,
    tests: int = 1,
) -> TestResult:
    """Whether a success probability is at least some value: pass or fail where its exact interval says so.

    The Wilson interval is too short on one side where a probability is near 0 or 1 (docs/statistics.md), so it does not
    decide.

    Args:
        successes: Shots with the wanted outcome.
        shots: All shots.
        least: Probability that is wanted.
        confidence: One minus the level of each side, all looks together.
        power: Chance of a pass for which ``shots_needed`` is planned, if the observed share is true.
        looks: How often the same question is asked; the level is divided by it.
        tests: Tests of which one that fails decides.

    Raises:
        InputError: the numbers are no successes among shots, or the threshold is no probability.

    Example:
        >>> [succeeds(98, 100, least).verdict.value for least in (0.9, 0.97, 0.999)]
        ['pass', 'inconclusive', 'fail']
    """
    if not 0 <= least <= 1:
        raise InputError("least", given=least, expected="a probability from 0 to 1")
    demand = Demand(confidence, power, looks, tests)
    interval = clopper_pearson(successes, shots, 2 * demand.passing - 1)
    fails = clopper_pearson(successes, shots, 2 * demand.failing - 1)[1] < least
    verdict = Verdict.PASS if interval[0] >= least else Verdict.FAIL if fails else Verdict.INCONCLUSIVE
    share = successes / shots
    needed = None
    if verdict is Verdict.INCONCLUSIVE:
        needed = shots_to_succeed(share, least, confidence=demand.passing, power=power)
    return TestResult(
        verdict,
        share,
        interval,
        least,
        PROPORTION,
        1 - confidence,
        needed,
        shots=shots,
        power=power,
        looks=looks,
        tests=tests,
    )


def shots_to_succeed(true: float, least: float, *, confidence: float = 0.95, power: float = 0.9) -> int | None:
    """Shots with which `succeeds` passes with the given power; none if the true probability does not exceed the least.

    Of the exact test; its power rises and falls a little with the shots, and the answer has it where one shot less has
    it not.

    Example:
        >>> shots_to_succeed(0.95, 0.9), shots_to_succeed(0.9, 0.95)
        (239, None)
    """
    if not least < true:
        return None

    def passes(shots: int) -> bool:
        # At most that many failures: among that many or fewer, the exact test rejects a probability below the least.
        most = _most_failures(shots, 1 - least, 1 - confidence)
        return most >= 0 and float(bdtr(most, shots, 1 - true)) >= power

    low, high = 0, max(1, ceil(1 / (true - least)))
    while not passes(high):
        low, high = high, 2 * high
        if high > _MOST_SHOTS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _most_failures(shots: int, rate: float, level: float) -> int:
    """The most failures for which so few are improbable at this rate; -1 if none are."""
    low, high = -1, shots
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bdtr(middle, shots, rate) <= level else (low, middle)
    return low


def _check(successes: int, shots: int) -> None:
    if shots < 1 or not 0 <= successes <= shots:
        raise InputError("successes", given=f"{successes} of {shots}", expected="a share of at least one shot")
