"""Low-autocorrelation binary sequences: all of them, or tabu search, beside the published optima."""

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.baselines.measuring import Measured, versions_of
from prefect_qpu.baselines.protocol import Baseline, BaselineReport, Clock
from prefect_qpu.errors import CertificateError

if TYPE_CHECKING:
    from prefect_qpu.workloads.labs import LabsWorkload

KIND = "sequence"
EXHAUSTIVE, PUBLISHED = "all sequences", "published optimum"
TABU = "tabu search"

_ENERGIES = (
    "1 2 2 7 3 8 12 13 5 10 6 19 15 24 32 25 29 26 26 39 47 36 36 45 37 50 62 59 67 64 64 65 73 82 86 87 99 108 108 "
    "101 109 122 118 131 135 140 136 153 153 166 170 175 171 192 188 197 205 218 226 235 207 208 240 257"
)
PUBLISHED_OPTIMA: dict[int, int] = dict(enumerate(map(int, _ENERGIES.split()), start=3))
"""Smallest energy by length, from exhaustive search: Packebusch and Mertens 2016, https://arxiv.org/abs/1512.02475."""
MOST_RECOUNTED = 20
"""Longest sequence of which the check counts all others again."""

_SECONDS_PER_SEQUENCE = 4e-8
_CHUNK = 1 << 16
_WALKERS = 48
_STEPS_PER_ELEMENT = 8
"""Moves of a walk before it begins elsewhere, over the length."""

Spins = NDArray[np.float64]


def best_sequence(
    workload: "LabsWorkload", time_limit: float, seed: int, *, clock: Clock = time.perf_counter
) -> BaselineReport:
    """The sequence of the smallest energy.

    All sequences are counted where that can be had in a fifth of the time. Else tabu search walks until it reaches the
    published optimum, which is then the bound and stands on that publication.

    Example:
        >>> from prefect_qpu.workloads.labs import LabsWorkload
        >>> (found,) = best_sequence(LabsWorkload(length=13), 10.0, seed=1).baselines
        >>> found.method, found.value, found.exact, found.certificate["sequence"]
        ('all sequences', 6.0, True, '0000011001010')
    """
    length = workload.length
    with Measured(clock) as measured:
        started = clock()
        if predicted_seconds(length) <= 0.2 * time_limit:
            method, (energy, sequence, seconds) = EXHAUSTIVE, (*all_sequences(length), clock() - started)
        else:
            method, (energy, sequence, seconds) = TABU, _walk(length, started + time_limit, seed, clock)
    bound = float(energy if method == EXHAUSTIVE else PUBLISHED_OPTIMA[length])
    proof = EXHAUSTIVE if method == EXHAUSTIVE else PUBLISHED
    details: dict[str, Any] = {"merit factor": length**2 / (2 * energy), "bound_by": proof}
    if method == TABU:
        details["seconds_to_value"] = seconds - started
    found = Baseline(
        method=method,
        observable="energy",
        value=float(energy),
        bound=bound,
        exact=energy == bound,
        certificate={"kind": KIND, "length": length, "sequence": sequence, "proof": proof},
        seconds=measured.seconds,
        details=details,
        peak_bytes=measured.peak_bytes,
        seed=None if method == EXHAUSTIVE else seed,
        versions=versions_of("numpy"),
    )
    return BaselineReport((found,))


def predicted_seconds(length: int) -> float:
    """Predicted wall time of `all_sequences`."""
    return float(2.0 ** (length - 2) * length * _SECONDS_PER_SEQUENCE / 4)


def all_sequences(length: int) -> tuple[int, str]:
    """The smallest energy and the first sequence that has it, of those that begin with two zeros.

    Turning all signs, or every other one, leaves the energy as it is; so a sequence can always begin with two zeros. A
    correlation follows from the number of different bits: ``n - k - 2 popcount(s xor s shifted by k)``.
    """
    best, chosen = 2**62, 0
    for start in range(0, 1 << (length - 2), _CHUNK):
        stop = min(start + _CHUNK, 1 << (length - 2))
        codes = np.arange(start, stop, dtype=np.uint64)
        found = np.zeros(len(codes), dtype=np.int64)
        for shift in range(1, length):
            mask = np.uint64((1 << (length - shift)) - 1)
            different = np.bitwise_count((codes ^ (codes >> np.uint64(shift))) & mask).astype(np.int64)
            found += (length - shift - 2 * different) ** 2
        place = int(found.argmin())
        if found[place] < best:
            best, chosen = int(found[place]), start + place
    return best, format(chosen, f"0{length}b")


def descend(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each sequence after flipping, again and again, the element that gains most, until none gains."""
    spins = 1 - 2 * rows.astype(np.float64)
    active = np.arange(len(spins))
    while len(active):
        values, now = _after_flips(spins[active])
        place = values.argmin(axis=1)
        better = values[np.arange(len(active)), place] < now
        active, place = active[better], place[better]
        spins[active, place] *= -1
    return (spins < 0).astype(np.uint8)


def check_sequence(workload: "LabsWorkload", baseline: Baseline) -> None:
    """Return if the sequence has the energy, and the bound is that of all sequences or the published one.

    Raises:
        CertificateError: it is not.
    """
    certificate, length = baseline.certificate, workload.length
    sequence = certificate.get("sequence")
    if certificate.get("kind") != KIND or certificate.get("length") != length:
        raise CertificateError(f"the certificate is not about sequences of length {length}")
    if not isinstance(sequence, str) or len(sequence) != length or not set(sequence) <= {"0", "1"}:
        raise CertificateError(f"{sequence!r} is not a sequence of {length} characters 0 or 1")
    if workload.energy(sequence) != baseline.value:
        raise CertificateError(f"the energy is said to be {baseline.value}, but is {workload.energy(sequence)}")
    if baseline.exact != (baseline.bound == baseline.value):
        raise CertificateError(f"the energy {baseline.value} is called exact, but the bound is {baseline.bound}")
    proven = _branch_and_bound(length) if length <= MOST_RECOUNTED else PUBLISHED_OPTIMA[length]
    if baseline.bound is not None and baseline.bound != proven:
        raise CertificateError(f"no energy is said to be below {baseline.bound}, but the smallest is {proven}")


def _walk(length: int, end: float, seed: int, clock: Clock) -> tuple[int, str, float]:
    """The best of many walks side by side that take the best flip that is not forbidden, and when it was found."""
    random, goal = np.random.default_rng(seed), PUBLISHED_OPTIMA[length]
    best, chosen, seconds = np.inf, np.ones(length), clock()
    numbers = np.arange(_WALKERS)
    while best > goal and (clock() < end or best == np.inf):
        spins = random.choice([-1.0, 1.0], (_WALKERS, length))
        own, until = np.full(_WALKERS, np.inf), np.zeros((_WALKERS, length))
        for step in range(_STEPS_PER_ELEMENT * length):
            values, _ = _after_flips(spins)
            allowed = (until <= step) | (values < own[:, None])  # a forbidden flip may lead to a new best
            ranked = np.where(allowed, values + random.random(values.shape) * 0.5, np.inf)
            flips = ranked.argmin(axis=1)
            spins[numbers, flips] *= -1
            until[numbers, flips] = step + 2 + random.integers(0, max(2, length // 5), _WALKERS)
            reached = values[numbers, flips]
            own = np.minimum(own, reached)
            winner = int(reached.argmin())
            if reached[winner] < best:
                best, chosen, seconds = float(reached[winner]), spins[winner].copy(), clock()
            if best <= goal or clock() >= end:
                break
    chosen = chosen * chosen[0]
    return int(best), "".join("1" if spin < 0 else "0" for spin in chosen), seconds


def _after_flips(spins: Spins) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The energies after each single flip, one row for each sequence; and those before.

    A flip of ``s_i`` changes the correlation of shift ``k`` by ``-2 s_i (s_(i-k) + s_(i+k))``.
    """
    rows, length = spins.shape
    padded = np.zeros((rows, 3 * length), dtype=np.float32)
    padded[:, length : 2 * length] = spins
    windows = np.lib.stride_tricks.sliding_window_view(padded, length - 1, axis=1)
    after = windows[:, length + 1 : 2 * length + 1]
    changed = after + windows[:, 1 : length + 1, ::-1]
    own = padded[:, length : 2 * length, None]
    correlations = np.matmul(own.transpose(0, 2, 1), after)
    changed *= -2 * own
    changed += correlations
    values, now = np.einsum("wik,wik->wi", changed, changed), (correlations**2).sum(axis=(1, 2))
    return values.astype(np.float64), now.astype(np.float64)  # sums of small integers: single precision is exact


def _branch_and_bound(length: int) -> int:
    """The smallest energy, by a search from both ends that leaves out what cannot win; of no use to the solver.

    With the outer elements set, the correlations of the longest shifts are known (Mertens 1996,
    https://doi.org/10.1088/0305-4470/29/18/005); each other one is at least 1 if its number of terms is odd.
    """
    spins = [0] * length
    best = length**3
    order = [place for pair in zip(range(length), reversed(range(length)), strict=True) for place in pair][:length]

    def known_energy(filled: int) -> int:
        """What the known correlations cost, and what the others cost at least."""
        left, right = (filled + 1) // 2, filled // 2
        total = 0
        for shift in range(1, length):
            if filled == length or length - shift <= min(left, right):
                total += sum(spins[i] * spins[i + shift] for i in range(length - shift)) ** 2
            else:
                total += (length - shift) % 2
        return total

    def descend_from(filled: int) -> None:
        nonlocal best
        if known_energy(filled) >= best:
            return
        if filled == length:
            best = known_energy(filled)
            return
        for spin in (1, -1) if filled > 0 else (1,):
            spins[order[filled]] = spin
            descend_from(filled + 1)
        spins[order[filled]] = 0

    descend_from(0)
    return best
