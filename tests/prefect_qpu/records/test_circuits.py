import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.providers.fake_provider import GenericBackendV2

from prefect_qpu.circuits import circuit_hash
from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.records import RecordStore, schema


def bell(name: str = "bell") -> QuantumCircuit:
    circuit = QuantumCircuit(2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def test_a_circuit_comes_back_from_another_connection(store: RecordStore, store_url: str) -> None:
    circuit = bell()
    circuit.rz(Parameter("angle"), 1)
    key = store.circuits.add(circuit)
    with RecordStore.open(store_url) as other:
        assert other.circuits.get(key) == circuit


def test_a_transpiled_circuit_keeps_its_layout(store: RecordStore, store_url: str) -> None:
    circuit = transpile(bell(), GenericBackendV2(4, seed=1), initial_layout=[2, 1], seed_transpiler=1)
    key = store.circuits.add(circuit)
    with RecordStore.open(store_url) as other:
        assert other.circuits.get(key).layout.final_index_layout() == circuit.layout.final_index_layout()


def test_the_first_circuit_of_a_hash_is_kept(store: RecordStore, store_url: str) -> None:
    key = store.circuits.add(bell("first"))
    with RecordStore.open(store_url) as other:
        assert other.circuits.add(bell("second")) == key
    assert store.circuits.get(key).name.startswith("first")
    with store._database.reading() as session:
        assert session.query(schema.Blob).count() == 1


def test_changing_a_circuit_that_was_read_changes_nothing(store: RecordStore) -> None:
    key = store.circuits.add(bell())
    store.circuits.get(key).x(0)
    assert circuit_hash(store.circuits.get(key)) == key


def test_the_row_tells_the_size(store: RecordStore) -> None:
    row = store.circuits.row(store.circuits.add(bell()))
    assert (row.num_qubits, row.depth, row.two_qubit_gates, row.size) == (2, 2, 1, 2)
    assert row.payload_bytes > 0


def test_many_circuits_come_in_the_order_asked(store: RecordStore, store_url: str) -> None:
    keys = [store.circuits.add(QuantumCircuit(width)) for width in (3, 1, 2)]
    with RecordStore.open(store_url) as other:
        assert [circuit.num_qubits for circuit in other.circuits.get_many([*keys, keys[0]])] == [3, 1, 2, 3]


def test_an_unknown_circuit_is_named(store: RecordStore) -> None:
    for ask in (store.circuits.get, store.circuits.row):
        with pytest.raises(RecordNotFoundError, match="no circuit 'abc'"):
            ask("abc")


@pytest.mark.parametrize("damage", [b"", b"garbage", b"x\x9c"])
def test_a_damaged_payload_is_refused(store: RecordStore, store_url: str, damage: bytes) -> None:
    key = store.circuits.add(bell())
    with store._database.writing() as session:
        session.query(schema.Blob).update({"payload": damage})
    with RecordStore.open(store_url) as other, pytest.raises(StoreError, match="damaged"):
        other.circuits.get(key)


def test_the_first_transpilation_of_a_key_is_kept(store: RecordStore) -> None:
    key = store.circuits.add(bell())
    assert store.circuits.transpiled("target") is None
    store.circuits.add_transpiled("target", key, {"qubits": [2, 1]})
    store.circuits.add_transpiled("target", key, {"qubits": [0, 1]})
    assert store.circuits.transpiled("target") == {"qubits": [2, 1]}


def test_a_transpilation_of_an_unknown_circuit_is_refused(store: RecordStore) -> None:
    with pytest.raises(StoreError, match="missing record"):
        store.circuits.add_transpiled("target", "abc", {})
