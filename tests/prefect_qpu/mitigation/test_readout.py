import numpy as np
import pytest
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.masks import balanced_masks
from prefect_qpu.mitigation.outcomes import outcomes
from prefect_qpu.mitigation.readout import Factorised, Subspace, Twirled, Uncorrected, expectation
from prefect_qpu.observables import Term

P01, P10 = np.array([0.01, 0.03, 0.02, 0.05]), np.array([0.06, 0.04, 0.08, 0.02])
TERMS = [Term("a", "ZZZZ", 1.0), Term("a", "IIZZ", -0.5), Term("a", "ZIII", 2.0)]
SHOTS = 4000


def read(true: np.ndarray, random: np.random.Generator) -> BitArray:
    """Bits of shape (shots, qubits) as a device with independent readout errors tells them."""
    wrong = random.random(true.shape) < np.where(true == 1, P10, P01)
    return BitArray.from_bool_array((true ^ wrong).astype(bool)[:, ::-1])


def ghz(random: np.random.Generator, shots: int = SHOTS) -> np.ndarray:
    return np.repeat((random.random(shots) < 0.3).astype(int)[:, None], 4, axis=1)


def calibrated(random: np.random.Generator) -> Factorised:
    zeros, ones = (read(np.full((SHOTS, 4), bit), random) for bit in (0, 1))
    return Factorised.calibrated(outcomes(zeros), outcomes(ones))


EXACT = 1.0 - 0.5 + 2.0 * 0.4


@pytest.mark.parametrize("seed", range(3))
def test_the_factorised_correction_brings_the_true_value_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    bits, model = read(ghz(random), random), calibrated(random)
    raw, corrected = (expectation(bits, TERMS, item) for item in (Uncorrected(), model))
    assert abs(corrected.value - EXACT) < 4 * corrected.stderr < abs(raw.value - EXACT)


def test_its_standard_error_counts_both_the_shots_and_the_calibration() -> None:
    random = np.random.default_rng(5)
    found = [expectation(read(ghz(random), random), TERMS, calibrated(random)) for _ in range(300)]
    told = np.mean([item.stderr for item in found])
    assert np.std([item.value for item in found]) == pytest.approx(told, rel=0.12)
    assert np.mean([np.sum(item.shared**2) for item in found]) > 0.1 * told**2


def test_values_with_one_calibration_share_its_error() -> None:
    random = np.random.default_rng(6)
    pairs = []
    for _ in range(300):
        model = calibrated(random)
        pairs.append([expectation(read(ghz(random), random), TERMS, model) for _ in range(2)])
    values = np.array([[item.value for item in pair] for pair in pairs])
    told = np.mean([first.shared @ second.shared for first, second in pairs])
    assert np.cov(values.T)[0, 1] == pytest.approx(told, rel=0.5)
    assert told > 0


def test_the_subspace_correction_agrees_where_all_outcomes_were_seen() -> None:
    pytest.importorskip("mthree", exc_type=ImportError)
    random = np.random.default_rng(7)
    true = (random.random((20_000, 4)) < 0.4).astype(int)
    bits, model = read(true, random), calibrated(random)
    factorised, subspace = (expectation(bits, TERMS, item) for item in (model, Subspace(model)))
    assert subspace.value == pytest.approx(factorised.value, abs=1e-4)
    assert subspace.stderr == pytest.approx(factorised.stderr, rel=1e-3)


def twirled(true: np.ndarray, random: np.random.Generator, count: int, correlated: float = 0.0) -> BitArray:
    """Readout under balanced masks that are taken out again, with an error that flips two bits at once."""
    parts = []
    for mask, part in zip(balanced_masks(4, count, 3), np.array_split(true, count), strict=True):
        both = (random.random(len(part)) < correlated).astype(int)[:, None] * np.array([0, 1, 1, 0])
        seen = read(part ^ np.array(mask), random)
        told = np.unpackbits(seen.array, axis=-1)[:, ::-1][:, :4]
        parts.append(told ^ both ^ np.array(mask))
    return BitArray.from_bool_array(np.concatenate(parts).astype(bool)[:, ::-1])


@pytest.mark.parametrize("correlated", [0.0, 0.02])
def test_twirled_readout_also_corrects_errors_that_depend_on_one_another(correlated: float) -> None:
    random = np.random.default_rng(8)
    zeros = outcomes(twirled(np.zeros((SHOTS, 4), dtype=int), random, 16, correlated))
    bits = twirled(random.permutation(ghz(random)), random, 16, correlated)
    corrected = expectation(bits, TERMS, Twirled(zeros))
    assert abs(corrected.value - EXACT) < 3.5 * corrected.stderr < 0.25


def test_its_standard_error_is_the_scatter_of_repeated_runs() -> None:
    random = np.random.default_rng(9)
    found = []
    for _ in range(200):
        zeros = outcomes(twirled(np.zeros((SHOTS, 4), dtype=int), random, 16))
        found.append(expectation(twirled(random.permutation(ghz(random)), random, 16), TERMS, Twirled(zeros)))
    assert np.std([item.value for item in found]) == pytest.approx(np.mean([item.stderr for item in found]), rel=0.15)


def test_every_three_bits_of_the_masks_take_all_values_equally_often() -> None:
    masks = np.array(balanced_masks(8, 16, seed=1))
    for triple in ([0, 1, 2], [3, 5, 7], [0, 4, 6]):
        _, times = np.unique(masks[:, triple], axis=0, return_counts=True)
        assert times.tolist() == [2] * 8


def test_a_readout_that_tells_nothing_is_refused() -> None:
    half = outcomes(BitArray.from_counts({"0": 500, "1": 500}, 1))
    with pytest.raises(MitigationRefusedError, match="bit 0 is read right hardly more often than wrong"):
        Factorised.calibrated(half, half)


def test_a_term_whose_twirled_readout_leaves_nothing_is_refused() -> None:
    half = outcomes(BitArray.from_counts({"0": 500, "1": 500}, 1))
    with pytest.raises(MitigationRefusedError, match=r"the readout leaves 0\.00 of Z"):
        Twirled(half).correct(half, [Term("a", "Z", 1.0)])
