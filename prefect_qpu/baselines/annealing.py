"""Cuts by simulated annealing and tabu search, as dwave-samplers has them (extra ``baselines``)."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.baselines.local_search import Spins, weight_matrix
from prefect_qpu.workloads.graph import Graph

ANNEALING = "simulated annealing"
TABU = "tabu search"
_READS = 10
_SWEEPS = 1000
_UPDATES_PER_NODE = 1000
_TABU_READS = 4
_TABU_RESTARTS = 4


def annealed_cuts(graph: Graph, seed: int) -> Iterator[Spins]:
    """The best cut of each round of ten anneals, without end.

    Raises:
        ImportError: dwave-samplers is not installed.
    """
    from dwave.samplers import SimulatedAnnealingSampler

    energy, sampler = _energy(graph), SimulatedAnnealingSampler()
    random = np.random.default_rng(seed)
    while True:
        yield _lowest(sampler.sample(energy, num_reads=_READS, num_sweeps=_SWEEPS, seed=_seed(random)))


def tabu_cuts(graph: Graph, seed: int, target: Callable[[], float]) -> Iterator[Spins]:
    """The best cut of each round of tabu searches, without end; a search stops at a cut of the target, such as a bound.

    The effort is counted in moves, not in time: with its time-out, the sampler would use the whole time even on a
    problem that it solves at once, and its result would depend on the machine.

    Raises:
        ImportError: dwave-samplers is not installed.
    """
    from dwave.samplers import TabuSampler

    energy, sampler = _energy(graph), TabuSampler()
    random = np.random.default_rng(seed)
    effort: dict[str, Any] = {
        "num_reads": _TABU_READS,
        "num_restarts": _TABU_RESTARTS,
        "timeout": None,
        "coefficient_z_first": _UPDATES_PER_NODE,
        "coefficient_z_restart": _UPDATES_PER_NODE,
        "lower_bound_z": 1000,
        "tenure": min(20, graph.nodes // 4),
    }
    while True:
        yield _lowest(sampler.sample(energy, energy_threshold=-target(), seed=_seed(random), **effort))


def _energy(graph: Graph) -> Any:
    """Less the cut, in binary variables; tabu search compares its threshold with an energy without its constant."""
    import dimod

    ends = np.array([edge[:2] for edge in graph.edges])
    linear = -weight_matrix(graph).sum(axis=1)
    quadratic = (ends[:, 0], ends[:, 1], 2 * graph.weights)
    return dimod.BinaryQuadraticModel.from_numpy_vectors(linear, quadratic, 0.0, dimod.BINARY)


def _seed(random: np.random.Generator) -> int:
    return int(random.integers(2**31))


def _lowest(samples: Any) -> Spins:
    bits: NDArray[np.float64] = samples.record.sample[samples.record.energy.argmin()].astype(float)
    order = np.argsort(np.asarray(list(samples.variables)))
    return 2 * bits[order] - 1
