from typing import Any

import pytest

from prefect_qpu.blocks import PriceTable as PriceBlock
from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import Experiment
from prefect_qpu.prices import Price, PriceTable
from tests.experiments import ghz_document

PROVIDERS: dict[str, Any] = {"aer": {"per_job": 0.5, "per_shot": 0.001}, "aer-manila": {"per_qpu_second": 2.0}}


def test_the_price_of_a_backend_comes_before_that_of_its_provider() -> None:
    table = PriceTable.model_validate({"providers": PROVIDERS})
    assert table.price_of("aer-manila", "aer") == Price(per_qpu_second=2.0)
    assert table.price_of("aer-lima", "aer") == Price(per_job=0.5, per_shot=0.001)
    assert table.price_of("ibm_torino", "ibm") is None


def test_money_adds_up_over_jobs_shots_and_seconds() -> None:
    assert Price(per_job=1.0, per_shot=0.01, per_qpu_second=2.0).of(jobs=3, shots=100, qpu_seconds=1.5) == 7.0
    assert PriceTable(classical_hour=3.6).classical(10.0) == pytest.approx(0.01)


def test_prices_decide_nothing_that_is_measured() -> None:
    plain = Experiment.parse(ghz_document())
    priced = Experiment.parse(ghz_document(prices={"providers": PROVIDERS}))
    assert priced.execution_hash == plain.execution_hash
    assert priced.hash != plain.hash
    assert Experiment.parse(ghz_document(prices=priced.document()["prices"])) == priced


def test_the_block_holds_the_same_table() -> None:
    assert PriceBlock(currency="EUR", providers=PROVIDERS).prices() == PriceTable.model_validate(
        {"currency": "EUR", "providers": PROVIDERS}
    )
    with pytest.raises(ExperimentError, match=r"prices\.providers\.aer\.per_shots"):
        PriceBlock(providers={"aer": {"per_shots": 1.0}}).prices()


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ({"currency": "dollar"}, "prices.currency: got 'dollar'"),
        ({"providers": {"aer": {"per_job": -1.0}}}, "prices.providers.aer.per_job: got -1.0, expected a number from 0"),
        ({"block": "price-table"}, "prices"),
    ],
)
def test_malformed_prices_are_refused_by_name(prices: dict[str, Any], told: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        Experiment.parse(ghz_document(prices=prices))
    assert told in str(caught.value)
