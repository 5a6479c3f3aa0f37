"""Whether a plan may be carried out, or a person has to decide."""

from prefect_qpu.sweeps.definition import Approval
from prefect_qpu.sweeps.plan import Plan


def held(plan: Plan, policy: Approval) -> str:
    """Why a person has to decide on a plan; empty if nobody has to.

    Only what is charged counts, so that simulations are never held.
    """
    charged = [job for job in plan.jobs if plan.backends[job.backend].charged]
    seconds, cost = plan.total("seconds", charged=True), plan.cost()
    reasons = []
    if policy.max_jobs is not None and len(charged) > policy.max_jobs:
        reasons.append(f"{len(charged)} jobs are more than {policy.max_jobs}")
    if policy.max_seconds is not None and seconds > policy.max_seconds:
        reasons.append(f"{seconds:.1f} s of QPU time are more than {policy.max_seconds:g} s")
    if policy.max_cost is not None and charged and (cost is None or cost > policy.max_cost):
        most = f"{policy.max_cost:g} {plan.currency}"
        unknown = f"an unknown cost may be more than {most} (no price for {', '.join(plan.unpriced())})"
        reasons.append(unknown if cost is None else f"{cost:.2f} {plan.currency} are more than {most}")
    return "; ".join(reasons)
