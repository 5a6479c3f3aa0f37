"""Planning an experiment: what its tolerance and power need, and what every method would take, before anything runs."""

from prefect_qpu.planning.experiment_plan import ExperimentPlan, MethodForecast, plan_experiment
from prefect_qpu.planning.usage import Usage

__all__ = ["ExperimentPlan", "MethodForecast", "Usage", "plan_experiment"]
