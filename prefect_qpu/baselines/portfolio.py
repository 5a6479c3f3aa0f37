"""All MaxCut solvers in one time limit: which of them run, for how long, and who found what."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from math import inf, isclose
from typing import Any

from prefect_qpu.baselines import annealing, branching, brute_force, burer_monteiro, semidefinite
from prefect_qpu.baselines.bounds import ODD_CYCLES, SEMIDEFINITE, odd_cycle_bound, semidefinite_bound, trivial_bound
from prefect_qpu.baselines.local_search import Spins, spins_text
from prefect_qpu.baselines.protocol import Clock
from prefect_qpu.workloads.graph import Graph

MOST_EDGES_PER_NODE = 4
"""Above, odd cycles bound a cut no better than the semidefinite relaxation does, at more cost."""
_QUICK_COUNT = 0.2
"""Predicted seconds of counting all cuts below which nothing else is tried."""
_PATIENCE = 6
"""Rounds of all searches without a better cut after which the searches end."""
_PROOF_TO_SEARCH = 3
"""Time of the proof by odd cycles to that of the searches, while they take turns, once these agree or bring nothing;
each round that brings nothing adds as much. Before, it is 1: more of it costs cuts."""

Search = Iterator[Spins]


@dataclass
class Attempt:
    """What one solver contributed."""

    solver: str
    value: float | None = None
    """Its best cut."""
    bound: float | None = None
    seconds: float = 0.0
    rounds: int = 0


@dataclass(frozen=True)
class CutResult:
    """The best cut and the best bound of all solvers."""

    value: float
    assignment: str
    found_by: str
    bound: float
    proof: dict[str, Any]
    """What proves the bound, as JSON data with the key ``kind``."""
    bound_by: str
    exact: bool
    seconds_to_value: float
    """Wall seconds until the best cut was known, all solvers included."""
    attempts: tuple[dict[str, Any], ...]
    skipped: dict[str, str]
    """Why a solver did not run."""


def largest_cut(graph: Graph, time_limit: float, *, seed: int = 0, clock: Clock = time.perf_counter) -> CutResult:
    """The best cut and bound that all solvers together find.

    Small graphs are counted out. On others, searches take turns, for the same time each; then come the bounds: on
    sparse graphs the proof by odd cycles, else or without success the semidefinite relaxation. The searches go on until
    they have brought nothing for some rounds. All ends when the bound is reached or the time is up; no round begins
    that would end later. So the time of an easy problem is short, as it must be where a quantum processor is compared
    with it.

    Args:
        graph: The graph.
        time_limit: Wall seconds.
        seed: Of all solvers; the same seed gives the same rounds, but the time decides how many there are.
        clock: Seconds of a monotonic clock.

    Example:
        >>> from prefect_qpu.workloads.graph_generators import generated_graph
        >>> graph = generated_graph({"generator": "random_regular", "degree": 3, "nodes": 40, "seed": 1})
        >>> result = largest_cut(graph, time_limit=10)
        >>> result.value == result.bound == graph.cut(result.assignment), result.exact
        (True, True)
    """
    race = _Race(graph, time_limit, seed, clock)
    if brute_force.predicted_seconds(graph) <= min(_QUICK_COUNT, time_limit):
        race.count()
        return race.result()
    race.search_once()
    race.prove()
    race.relax()
    race.search()
    if graph.nodes <= brute_force.MOST_NODES and brute_force.predicted_seconds(graph) <= race.left():
        race.count()
    return race.result()


def searches(graph: Graph, seed: int, target: Callable[[], float]) -> dict[str, Search]:
    """The searches that are installed, by name; each goes on for ever."""
    available: dict[str, Search] = {}
    if has_samplers():
        available[annealing.ANNEALING] = annealing.annealed_cuts(graph, seed)
        available[annealing.TABU] = annealing.tabu_cuts(graph, seed, target)
    return available | {burer_monteiro.METHOD: burer_monteiro.cuts(graph, seed)}


def has_samplers() -> bool:
    """Whether dwave-samplers is installed; if so, it is imported, so that no solver's time contains that."""
    if find_spec("dwave") is None or find_spec("dwave.samplers") is None:
        return False
    import dwave.samplers  # noqa: F401

    return True


class _Race:
    """The best cut and bound so far."""

    def __init__(self, graph: Graph, time_limit: float, seed: int, clock: Clock) -> None:
        self._graph, self._seed, self._clock = graph, seed, clock
        self._started, self._seconds_to_value = clock(), 0.0
        self._end = self._started + time_limit
        self._searches = searches(graph, seed, lambda: self._bound)
        self._attempts: dict[str, Attempt] = {}
        self._skipped = {} if has_samplers() else _not_installed()
        self._spins: Spins | None = None
        self._idle, self._round_seconds = 0, 0.0
        self._assignment, self._value, self._found_by = "0" * graph.nodes, 0.0, ""
        root: dict[str, Any] = {"fixed": [], "multipliers": []}
        self._proof: dict[str, Any] = {"kind": ODD_CYCLES, "walks": [], "leaves": [root]}
        self._bound, self._bound_by = trivial_bound(graph), ""

    def left(self) -> float:
        """Seconds; none once the best cut is proven."""
        return 0.0 if self._closed() else self._end - self._clock()

    def search(self) -> None:
        """Rounds of all searches, until none has brought a better cut for some rounds; a first cut in any case."""
        while self._idle < _PATIENCE and self.left() > 0:
            self.search_once()

    def search_once(self) -> None:
        """One round of the slowest search, and of each other one as many as take the same time."""
        before, started = self._value, self._clock()
        for solver, found in self._searches.items():
            if solver in self._attempts and self.left() < self._round_of(solver):
                continue
            with self._working(solver) as attempt:
                self._take(attempt, next(found))
            if self.left() <= 0:
                return
        for solver, found in self._searches.items():
            while self.left() > self._round_of(solver) and self._attempts[solver].seconds < self._slowest():
                with self._working(solver) as attempt:
                    self._take(attempt, next(found))
        self._round_seconds = self._clock() - started
        self._idle = 0 if self._value > before else self._idle + 1

    def _round_of(self, solver: str) -> float:
        """Mean seconds of its rounds so far: none begins that would end after the time."""
        attempt = self._attempts.get(solver)
        return attempt.seconds / attempt.rounds if attempt else 0.0

    def _slowest(self) -> float:
        """Seconds of the search that had most, less half a round of it, so that it is not overtaken for ever."""
        attempts = [self._attempts[solver] for solver in self._searches]
        most = max(attempts, key=lambda attempt: attempt.seconds)
        return most.seconds * (1 - 0.5 / most.rounds)

    def relax(self) -> None:
        """The semidefinite bound, and cuts from its solution."""
        if self.left() <= 0:
            return
        with self._working(SEMIDEFINITE) as attempt:
            found = semidefinite.solve_relaxation(self._graph, self._seed, left=self.left)
            self._take(attempt, found.spins)
            bound = semidefinite_bound(self._graph, found.multipliers)
            self._limit(attempt, bound, {"kind": SEMIDEFINITE, "multipliers": found.multipliers})

    def prove(self) -> None:
        """The proof by odd cycles, on a sparse graph, in turns with the searches: a better cut may close it."""
        if len(self._graph.edges) > MOST_EDGES_PER_NODE * self._graph.nodes:
            self._skipped[ODD_CYCLES] = f"more than {MOST_EDGES_PER_NODE} edges a node"
        if ODD_CYCLES in self._skipped or self.left() <= 0:
            return
        assert self._spins is not None
        prover = branching.Prover(self._graph, self._spins, seed=self._seed, left=self.left)
        while not self._advance(prover) and self.left() > 0:
            if self._idle < _PATIENCE:
                self.search_once()
                prover.offer(self._spins)
        with self._working(ODD_CYCLES) as attempt:
            found = prover.proof()
            self._take(attempt, found.spins)
            proof = {"kind": ODD_CYCLES, **found.document}
            self._limit(attempt, odd_cycle_bound(self._graph, proof), proof)

    def _advance(self, prover: branching.Prover) -> bool:
        """Whether the proof is complete; it takes some times a round of the searches, or all if those are over."""
        end = self._clock() + self._share() * self._round_seconds
        with self._working(ODD_CYCLES):
            return prover.advance(lambda: self._clock() >= end)

    def _share(self) -> float:
        agree = len({self._attempts[solver].value for solver in self._searches}) == 1
        if self._idle >= _PATIENCE:
            return inf
        return _PROOF_TO_SEARCH * (1 + self._idle) if agree or self._idle else 1

    def count(self) -> None:
        """All cuts."""
        with self._working(brute_force.METHOD) as attempt:
            value, assignment = brute_force.best_cut(self._graph)
            self._offer(attempt, value, assignment)
            self._limit(attempt, value, {"kind": "brute-force"})

    def result(self) -> CutResult:
        """The best cut and bound."""
        return CutResult(
            value=self._value,
            assignment=self._assignment,
            found_by=self._found_by,
            bound=self._value if self._closed() else self._bound,
            proof=self._proof,
            bound_by=self._bound_by or "sum of the positive weights",
            exact=self._closed(),
            seconds_to_value=self._seconds_to_value,
            attempts=tuple(asdict(attempt) for attempt in self._attempts.values()),
            skipped=self._skipped,
        )

    def _closed(self) -> bool:
        return reaches(self._value, self._bound)

    @contextmanager
    def _working(self, solver: str) -> Iterator[Attempt]:
        attempt = self._attempts.setdefault(solver, Attempt(solver))
        started = self._clock()
        yield attempt
        attempt.seconds += self._clock() - started
        attempt.rounds += 1

    def _take(self, attempt: Attempt, spins: Spins) -> None:
        assignment = spins_text(spins)
        value = self._graph.cut(assignment)
        if self._spins is None or value > self._value:
            self._spins = spins
        self._offer(attempt, value, assignment)

    def _offer(self, attempt: Attempt, value: float, assignment: str) -> None:
        attempt.value = value if attempt.value is None else max(value, attempt.value)
        if value > self._value or not self._found_by:
            self._value, self._assignment, self._found_by = value, assignment, attempt.solver
            self._seconds_to_value = self._clock() - self._started

    def _limit(self, attempt: Attempt, bound: float, proof: dict[str, Any]) -> None:
        attempt.bound = bound
        if bound < self._bound or not self._bound_by:
            self._bound, self._proof, self._bound_by = bound, proof, attempt.solver


def reaches(value: float, bound: float) -> bool:
    """Whether a cut is as large as its bound, within rounding of the sums."""
    return value >= bound or isclose(value, bound, rel_tol=1e-9, abs_tol=1e-9)


def _not_installed() -> dict[str, str]:
    reason = "dwave-samplers is not installed (extra baselines)"
    return {annealing.TABU: reason, annealing.ANNEALING: reason}
