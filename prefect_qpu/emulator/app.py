"""The routes: the requests of the genuine client, and the answers that it expects."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import PlainTextResponse

from prefect_qpu.emulator.admin import admin_routes
from prefect_qpu.emulator.answers import RefusedError, moment, refusal, timestamp
from prefect_qpu.emulator.auth import Owner
from prefect_qpu.emulator.backends import Device
from prefect_qpu.emulator.connection import PREFIXES, Connection
from prefect_qpu.emulator.faults import damaged
from prefect_qpu.emulator.jobs import COMPLETED, FAILED, PENDING, Search
from prefect_qpu.emulator.payloads import read_submission, read_tags
from prefect_qpu.emulator.schema import CalibrationRow, Job
from prefect_qpu.emulator.service import Service
from prefect_qpu.emulator.sessions import session_document
from prefect_qpu.emulator.usage import instance_usage, metrics
from prefect_qpu.providers.forecast import charged_seconds

_PLAN = "emulator-plan"

account = APIRouter()
runtime = APIRouter()


def service_of(request: Request) -> Service:
    """The service that a request is for."""
    service: Service = request.app.state.service
    return service


async def owner_of(
    request: Request, authorization: Annotated[str, Header()] = "", service_crn: Annotated[str, Header()] = ""
) -> Owner:
    """Who asks."""
    service = service_of(request)
    return service.gatekeeper.owner(authorization, service_crn, service.clock())


async def body_of(request: Request) -> bytes:
    """The body of a request."""
    return await request.body()


Emulated = Annotated[Service, Depends(service_of)]
Asking = Annotated[Owner, Depends(owner_of)]
Body = Annotated[bytes, Depends(body_of)]


def application(service: Service) -> Connection:
    """The service as an ASGI application."""

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(service.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        service.jobs.database.close()

    app = FastAPI(title="prefect-qpu emulator", lifespan=running, openapi_url=None)
    app.state.service = service
    app.add_exception_handler(RefusedError, refusal)
    app.include_router(account)
    app.include_router(admin_routes)
    for prefix in PREFIXES:
        app.include_router(runtime, prefix=prefix)
    return Connection(app, service.faults, service.requests)


@account.post("/identity/token")
async def token(request: Request, service: Emulated) -> Any:
    """Exchange an API key for an access token."""
    form = parse_qs((await request.body()).decode())
    return service.gatekeeper.issue(form.get("apikey", [""])[0], service.clock(), service.settings.token_s)


@account.post("/v3/resources/search")
async def search_instances(service: Emulated) -> Any:
    """The instances of the account."""
    return {
        "items": [
            {
                "crn": instance.crn,
                "name": instance.name,
                "service_plan_unique_id": _PLAN,
                "tags": [],
                "doc": {"extensions": {"emulator": True}},
            }
            for instance in service.gatekeeper.instances
        ],
        "limit": 100,
    }


@account.get("/catalog/{plan}")
async def plan(plan: str) -> Any:
    """The pricing plan of an instance."""
    return {
        "id": plan,
        "overview_ui": {"en": {"display_name": "Emulator"}},
        "metadata": {"pricing": {"type": "free"}},
    }


@runtime.get("/backends")
async def backends(service: Emulated, _: Asking, *, include_mocks: bool = False) -> Any:
    """The devices; their doubles for dry runs only if they are asked for."""
    shown = [device for device in service.devices.values() if include_mocks or not device.mock]
    return {"devices": [_listed(service, device) for device in shown]}


@runtime.get("/backends/{name}/configuration")
def configuration(service: Emulated, _: Asking, name: str) -> Any:
    """What a device is."""
    return Response(_configuration(service.device(name)), media_type="application/json")


@runtime.get("/backends/{name}/properties")
def properties(
    service: Emulated, _: Asking, name: str, updated_before: str | None = None, calibration_id: str | None = None
) -> Any:
    """How good a device is now, or was."""
    device, now = service.device(name), service.clock()
    if calibration_id is not None:
        calibration = service.calibrations.by_id(device, calibration_id)
        if calibration is None:
            raise RefusedError(404, 1009, f"Calibration {calibration_id!r} of {name} not found.")
    elif updated_before is not None:
        calibration = service.calibrations.before(device, service.settings, now, moment(updated_before))
    else:
        calibration = service.calibrations.current(device, service.settings, now)
    return Response(_properties(device, calibration.id, calibration), media_type="application/json")


@runtime.get("/backends/{name}/status")
async def backend_status(service: Emulated, _: Asking, name: str) -> Any:
    """Whether a device runs jobs."""
    device = service.device(name)
    status = service.status(device.name)
    return {
        "state": status.operational,
        "status": status.message,
        "message": status.message,
        "length_queue": service.queue_length(device.name),
        "backend_version": "1.0.0",
    }


@runtime.post("/jobs")
def submit(service: Emulated, owner: Asking, body: Body) -> Any:
    """Accept a job."""
    job = service.submit(read_submission(body), owner)
    session = {} if job.session_id is None else {"session_id": job.session_id}
    return {"id": job.id, "backend": job.backend, "private": job.private, **session}


@runtime.get("/jobs")
def search_jobs(
    service: Emulated,
    owner: Asking,
    tags: Annotated[list[str] | None, Query()] = None,
    *,
    limit: int | None = None,
    offset: int = 0,
    pending: bool | None = None,
    backend: str | None = None,
    program: str | None = None,
    session_id: str | None = None,
    created_after: str | None = None,
    created_before: str | None = None,
    sort: str = "DESC",
) -> Any:
    """The jobs of the user that match."""
    found, count = service.jobs.search(
        owner,
        Search(
            backend=backend,
            program=program,
            session_id=session_id,
            tags=tags or (),
            pending=pending,
            created_after=moment(created_after) if created_after else None,
            created_before=moment(created_before) if created_before else None,
            oldest_first=sort.upper() == "ASC",
            limit=limit,
            offset=offset,
        ),
    )
    return {"jobs": [job_document(service, job) for job in found], "count": count, "limit": limit, "offset": offset}


@runtime.get("/jobs/{job_id}")
def job(service: Emulated, owner: Asking, job_id: str, *, exclude_params: bool = False) -> Any:
    """A job, with what was submitted unless that is excluded."""
    found = _job(service, owner, job_id)
    document = json.dumps(job_document(service, found)).encode()
    if not exclude_params and not found.private:
        document = document[:-1] + b',"params":' + service.jobs.params(found.number) + b"}"
    return Response(document, media_type="application/json")


@runtime.get("/jobs/{job_id}/results")
def results(service: Emulated, owner: Asking, job_id: str) -> Any:
    """The result of a job; the reason if it failed, nothing as long as it has not ended."""
    found = _job(service, owner, job_id)
    if found.state == FAILED:
        return PlainTextResponse(found.reason or "")
    stored = service.jobs.result(found.number)
    if found.state != COMPLETED or stored is None:
        return Response(status_code=204)
    return Response(damaged(stored[0], found), media_type="application/json")


@runtime.get("/jobs/{job_id}/metrics")
def job_metrics(service: Emulated, owner: Asking, job_id: str) -> Any:
    """When a job ran and what it cost."""
    return metrics(_job(service, owner, job_id), service.settings, service.clock(), service.versions)


@runtime.get("/jobs/{job_id}/logs")
def job_logs(service: Emulated, owner: Asking, job_id: str) -> Any:
    """The log of a job."""
    stored = service.jobs.result(_job(service, owner, job_id).number)
    if stored is None:
        raise RefusedError(404, 1291, f"Job {job_id!r} has no log yet.")
    return PlainTextResponse(stored[1])


@runtime.post("/jobs/{job_id}/cancel")
def cancel(service: Emulated, owner: Asking, job_id: str) -> Any:
    """Cancel a job."""
    if not service.cancel(_job(service, owner, job_id)):
        raise RefusedError(409, 1292, f"Job {job_id!r} has ended and cannot be cancelled.")
    return Response(status_code=204)


@runtime.put("/jobs/{job_id}/tags")
def set_tags(service: Emulated, owner: Asking, job_id: str, body: Body) -> Any:
    """Replace the tags of a job."""
    service.jobs.set_tags(_job(service, owner, job_id), read_tags(_read(body)))
    return Response(status_code=204)


@runtime.delete("/jobs/{job_id}")
def delete_job(service: Emulated, owner: Asking, job_id: str) -> Any:
    """Delete a job that has ended."""
    found = _job(service, owner, job_id)
    if found.state in PENDING:
        raise RefusedError(409, 1293, f"Job {job_id!r} has not ended and cannot be deleted.")
    service.jobs.delete(found)
    return Response(status_code=204)


@runtime.post("/sessions")
def open_session(service: Emulated, owner: Asking, body: Body) -> Any:
    """Open a session or a batch."""
    request = _read(body)
    service.device(str(request.get("backend")))
    row = service.sessions.open(request, owner, service.settings.interactive_s, service.clock())
    return session_document(row, busy=False, now=service.clock())


@runtime.get("/sessions/{session_id}")
def session(service: Emulated, owner: Asking, session_id: str) -> Any:
    """A session."""
    row = service.sessions.get(session_id, owner)
    return session_document(row, busy=bool(service.sessions.pending(row.id)), now=service.clock())


@runtime.patch("/sessions/{session_id}")
def change_session(service: Emulated, owner: Asking, session_id: str, body: Body) -> Any:
    """Take no more jobs; without jobs left the session is closed at once."""
    row = service.sessions.get(session_id, owner)
    if _read(body).get("accepting_jobs") is False:
        service.sessions.stop_accepting(row.id)
        if not service.sessions.pending(row.id):
            service.close_session(row.id)
    return Response(status_code=204)


@runtime.delete("/sessions/{session_id}/close")
def close_session(service: Emulated, owner: Asking, session_id: str) -> Any:
    """Close a session, and cancel the jobs that wait in it."""
    service.close_session(service.sessions.get(session_id, owner).id)
    return Response(status_code=204)


@runtime.get("/instances/usage")
def usage(service: Emulated, owner: Asking) -> Any:
    """What the instance has used."""
    return instance_usage(service.jobs.charged(owner.instance), owner.instance, service.settings)


def job_document(service: Service, job: Job) -> dict[str, Any]:
    """A job as the service describes it."""
    state = service.faults.shown_state(job, service.clock())
    told: dict[str, Any] = {"status": state}
    if state == job.state and job.reason is not None:
        told |= {"reason": job.reason, "reason_code": job.reason_code}
    return {
        "id": job.id,
        "backend": job.backend,
        "state": told,
        "status": state,
        "program": {"id": job.program},
        "created": timestamp(job.created),
        "ended": timestamp(job.finished) if state == job.state else None,
        "tags": job.tags,
        "private": job.private,
        "runtime": job.image,
        "cost": job.max_seconds,
        "user_id": job.user,
        "calibration_id": job.calibration,
        "estimated_running_time_seconds": charged_seconds(job.executions),
        "usage": {"quantum_seconds": job.charged or 0.0, "seconds": job.charged or 0.0},
        **({} if job.session_id is None else {"session_id": job.session_id}),
    }


def _job(service: Service, owner: Owner, job_id: str) -> Job:
    found = service.jobs.get(job_id, owner)
    if found is None:
        raise RefusedError(404, 1291, f"Job {job_id!r} not found.")
    return found


def _listed(service: Service, device: Device) -> dict[str, Any]:
    status = service.status(device.name)
    qubits = device.num_qubits
    return {
        "name": device.name,
        "status": {"name": "online" if status.operational else "paused", "reason": status.message},
        "qubits": qubits,
        "physical_qubits": qubits,
        "queue_length": service.queue_length(device.name),
        **({"class": "mock"} if device.mock else {}),
    }


@lru_cache(maxsize=64)
def _configuration(device: Device) -> bytes:
    return json.dumps(device.configuration()).encode()


@lru_cache(maxsize=32)
def _properties(device: Device, calibration_id: str, calibration: CalibrationRow) -> bytes:
    return json.dumps({**device.properties(calibration), "calibration_id": calibration_id}).encode()


def _read(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise RefusedError(400, 1002, f"the body is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise RefusedError(400, 1002, "the body is not a JSON object.")
    return document
