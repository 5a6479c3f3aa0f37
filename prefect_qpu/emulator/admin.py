"""The admin interface: delays, limits, faults and devices, changed while the emulator runs."""

import hmac
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import TypeAdapter, ValidationError

from prefect_qpu.emulator.answers import RefusedError, timestamp
from prefect_qpu.emulator.connection import ADMIN
from prefect_qpu.emulator.faults import JobFault, RequestFault
from prefect_qpu.emulator.jobs import Search
from prefect_qpu.emulator.schema import Job
from prefect_qpu.emulator.service import Availability, Service

_REQUEST_FAULTS = TypeAdapter(list[RequestFault])
_JOB_FAULTS = TypeAdapter(list[JobFault])


async def admitted(request: Request, authorization: Annotated[str, Header()] = "") -> Service:
    """The service, for those who may change it."""
    service: Service = request.app.state.service
    expected = service.admin_token
    if expected is not None and not hmac.compare_digest(authorization.encode(), f"Bearer {expected}".encode()):
        raise RefusedError(401, 1200, "The admin interface needs its token.")
    return service


async def body_of(request: Request) -> bytes:
    """The body of a request."""
    return await request.body()


Admin = Annotated[Service, Depends(admitted)]
Body = Annotated[bytes, Depends(body_of)]

admin_routes = APIRouter(prefix=ADMIN)


@admin_routes.get("")
async def overview(service: Admin) -> Any:
    """Everything at a glance."""
    lines = service.scheduler.lines.items()
    return {
        "settings": service.settings.model_dump(),
        "faults": service.faults.document(),
        "instances": {instance.name: instance.crn for instance in service.gatekeeper.instances},
        "backends": {
            name: {**asdict(service.status(name)), "queue": line.length, "working": line.running is not None}
            for name, line in lines
        },
    }


@admin_routes.patch("/settings")
def change_settings(service: Admin, body: Body) -> Any:
    """Change some settings."""
    changes = TypeAdapter(dict[str, Any]).validate_json(body)
    try:
        return service.change(changes).model_dump()
    except ValidationError as error:
        raise _refused(error) from None


@admin_routes.put("/faults")
def set_request_faults(service: Admin, body: Body) -> Any:
    """Replace the faults that requests meet."""
    try:
        service.faults.set_requests(_REQUEST_FAULTS.validate_json(body))
    except ValidationError as error:
        raise _refused(error) from None
    return service.faults.document()


@admin_routes.put("/job-faults")
def set_job_faults(service: Admin, body: Body) -> Any:
    """Replace the faults that jobs to come carry."""
    try:
        service.faults.set_jobs(_JOB_FAULTS.validate_json(body))
    except ValidationError as error:
        raise _refused(error) from None
    return service.faults.document()


@admin_routes.put("/backends/{name}")
def set_backend(service: Admin, name: str, body: Body) -> Any:
    """Pause or resume a device."""
    try:
        availability = TypeAdapter(Availability).validate_json(body)
    except ValidationError as error:
        raise _refused(error) from None
    service.set_status(name, availability)
    return asdict(availability)


@admin_routes.post("/backends/{name}/calibrate")
def calibrate(service: Admin, name: str) -> Any:
    """Calibrate a device now."""
    row = service.calibrations.calibrate(service.device(name), service.settings, service.clock())
    return {"calibration_id": row.id, "taken_at": timestamp(row.taken_at)}


@admin_routes.post("/tokens/expire")
def expire_tokens(service: Admin) -> Any:
    """Let all access tokens expire now."""
    service.gatekeeper.revoked_before = service.clock()
    return Response(status_code=204)


@admin_routes.get("/jobs")
def all_jobs(service: Admin, limit: int = 100, offset: int = 0) -> Any:
    """The jobs of all users, newest first, as they really are."""
    jobs, count = service.jobs.search(None, Search(limit=limit, offset=offset))
    return {"jobs": [_described(job) for job in jobs], "count": count}


@admin_routes.post("/jobs/{job_id}/release")
def release(service: Admin, job_id: str) -> Any:
    """Let a stuck job go on."""
    job = service.jobs.get(job_id)
    if job is None:
        raise RefusedError(404, 1291, f"Job {job_id!r} not found.")
    service.unstick(job)
    return Response(status_code=204)


@admin_routes.get("/requests")
async def requests(service: Admin) -> Any:
    """The last requests."""
    return list(service.requests.entries)


@admin_routes.delete("/requests")
async def forget_requests(service: Admin) -> Any:
    """Forget the last requests."""
    service.requests.entries.clear()
    return Response(status_code=204)


def _described(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "user": job.user,
        "backend": job.backend,
        "program": job.program,
        "state": job.state,
        "reason": job.reason,
        "tags": job.tags,
        "fault": job.fault,
        "charged": job.charged,
        "created": timestamp(job.created),
        "started": timestamp(job.started),
        "finished": timestamp(job.finished),
    }


def _refused(error: ValidationError) -> RefusedError:
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "body"
    return RefusedError(422, 1002, f"{field}: got {first['input']!r:.120}; {first['msg']}.")
