"""`/_control/faults`."""

from deploy.local.stripe.control.body import Body
from deploy.local.stripe.control.machine import Machine
from deploy.local.stripe.errors import ApiError, Json
from deploy.local.stripe.faults import Fault, FaultKind, Work


def add(machine: Machine, body: Body) -> Json:
    kind = body.choice("fault", FaultKind)
    fault = Fault(
        kind=kind,
        method=body.text("method", "*"),
        path=body.text("path", "*"),
        times=body.integer("times", 1),
        skip=body.integer("skip", 0),
        seconds=body.seconds("seconds", 1.0),
        work=body.choice("work", Work, _usual_work(kind)),
    )
    body.end()
    if fault.work not in _POSSIBLE_WORK[kind]:
        raise ApiError(f"{kind.value} cannot do its work {fault.work.value}", param="work")
    machine.faults.add(fault)
    return fault.as_json()


def show(machine: Machine, body: Body) -> Json:
    body.end()
    return {"faults": [fault.as_json() for fault in machine.faults]}


def clear(machine: Machine, body: Body) -> Json:
    body.end()
    machine.faults.clear()
    return {"faults": []}


_POSSIBLE_WORK = {
    FaultKind.LOST_ANSWER: {Work.BEFORE},
    FaultKind.RESET: {Work.NEVER},
    FaultKind.CONFLICT: {Work.NEVER},
    FaultKind.RATE_LIMIT: {Work.NEVER},
    FaultKind.SERVER_ERROR: {Work.NEVER, Work.BEFORE},
    FaultKind.SLOW: {Work.BEFORE, Work.AFTER},
}


def _usual_work(kind: FaultKind) -> Work:
    return Work.BEFORE if Work.NEVER not in _POSSIBLE_WORK[kind] else Work.NEVER
