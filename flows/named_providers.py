"""The providers that stored experiments name, connected once a pass."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from prefect_qpu.definition import Definition
from prefect_qpu.experiment import AerBackendSpec, BlockReference, SubmissionPolicy
from prefect_qpu.flows.prepare import resolve_backend
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore


class Terms(Definition):
    """What counts of an experiment after its job was submitted."""

    backend: Annotated[AerBackendSpec | BlockReference, Field(union_mode="left_to_right")]
    submission: SubmissionPolicy = SubmissionPolicy()


class Providers:
    """The provider of each backend that a stored experiment names, connected once a pass."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._terms: dict[str, Terms] = {}
        self._known: dict[tuple[str, str], Provider] = {}

    def terms(self, experiment_hash: str) -> Terms:
        """The terms of a stored experiment, read once; its circuits are not."""
        if experiment_hash not in self._terms:
            self._terms[experiment_hash] = _terms(self._store.experiments.document(experiment_hash))
        return self._terms[experiment_hash]

    def learn(self, experiment_hashes: Iterable[str]) -> None:
        """Read the terms of many experiments at once."""
        documents = self._store.experiments.documents(set(experiment_hashes) - self._terms.keys())
        self._terms.update({key: _terms(document) for key, document in documents.items()})

    async def of(self, experiment_hash: str, backend: str) -> Provider:
        """Where the jobs of an experiment at a backend are."""
        named = self.terms(experiment_hash).backend
        key = str(named), backend
        if key not in self._known:
            _, provider = await resolve_backend(named)
            self._known[key] = provider.pinned(backend)
        return self._known[key]


def _terms(document: Mapping[str, Any]) -> Terms:
    return Terms.model_validate({name: document[name] for name in ("backend", "submission") if name in document})
