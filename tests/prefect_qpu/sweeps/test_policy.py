"""What a plan costs by the prices of its experiment, and when a person has to decide on it."""

from typing import Any

import pytest

from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.plan import Plan, summary_rows
from prefect_qpu.sweeps.policy import held
from tests.prefect_qpu.sweeps.documents import T, sweep
from tests.prefect_qpu.sweeps.executing import planned


class Charging(AerProvider):
    """A simulator that counts as a provider that charges."""

    durable = True


PRICES = {"currency": "EUR", "providers": {"aer": {"per_job": 1.0, "per_shot": 0.01, "per_qpu_second": 2.0}}}


def plan_of(store: RecordStore, kind: type[AerProvider], prices: Any, limit: float) -> tuple[Plan, str]:
    swept = sweep(
        {T: [0.0, 1.0]}, packing={"points_per_job": 1}, experiment_prices=prices, approval={"max_cost": limit}
    )
    plan = planned(store, swept, kind=kind).plan
    return plan, held(plan, swept.approval)


def test_a_plan_costs_what_the_prices_of_the_experiment_say(store: RecordStore) -> None:
    plan, reason = plan_of(store, Charging, PRICES, 1e6)
    seconds = plan.total("seconds", charged=True)
    assert plan.cost() == pytest.approx(2 * 1.0 + 800 * 0.01 + seconds * 2.0)
    assert (plan.currency, reason) == ("EUR", "")
    assert dict(summary_rows(plan))["estimated cost"] == f"{plan.cost():.2f} EUR"
    assert Plan.from_document(plan.document()).cost() == plan.cost()


def test_a_plan_above_the_limit_is_held(store: RecordStore) -> None:
    plan, reason = plan_of(store, Charging, PRICES, 10.0)
    assert reason == f"{plan.cost():.2f} EUR are more than 10 EUR"


@pytest.mark.parametrize("prices", [None, {"providers": {"another": {"per_job": 1.0}}}])
def test_a_plan_without_a_price_is_held_if_there_is_a_limit(store: RecordStore, prices: Any) -> None:
    plan, reason = plan_of(store, Charging, prices, 10.0)
    assert plan.cost() is None
    assert reason == "an unknown cost may be more than 10 USD (no price for aer-ideal)"
    assert dict(summary_rows(plan))["estimated cost"] == "unknown: the experiment's prices have none for aer-ideal"


def test_a_simulation_is_never_held(store: RecordStore) -> None:
    plan, reason = plan_of(store, AerProvider, PRICES, 0.0)
    assert (plan.cost(), reason) == (0, "")
