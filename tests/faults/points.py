"""Points inside a process at which something happens to it: set by who starts it, known to no line of the product.

A point names a function (`chassis.subscribers:Subscription._commit`), a side of it and what is done there. It travels
to the process as JSON and is set before the service's own main runs. A name that is not there any more is an error at
the start: tests/faults/test_points.py says so before a campaign does.
"""

import asyncio
import inspect
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any, Literal

from pydantic.fields import FieldInfo

Side = Literal["before", "after"]
Act = Literal["kill", "stop", "block", "sleep", "raise", "set", "give", "grow"]


@dataclass(frozen=True, slots=True)
class Point:
    """`hit` counts from 1 the calls whose owner's name holds `of`; `times` is for how many of them from there on.

    `kill` is SIGKILL and `stop` SIGSTOP to the process itself; `block` holds the event loop and `sleep` the caller
    for `seconds`; `raise` raises `fault` (`builtins:ConnectionError`); `set` gives the name `value` for good, `give`
    calls what it names with the arguments `value` in place of its caller's, for time limits of a library. `grow` makes
    each event model in it one of the next release: with an optional field `value` more, in a schema one version up.
    """

    where: str
    act: Act
    side: Side = "before"
    of: str = ""
    hit: int = 1
    times: int = 1
    seconds: float = 0.0
    fault: str = "builtins:RuntimeError"
    value: Any = None


# --- the points of the event path, by the moment they stand for

BATCH_SETTLED = "chassis.subscribers:Subscription._commit"
"""Before: the batch is committed in the database, its offsets are not. After: they are."""
BATCH_RECEIVED = "chassis.runtime:ConsumerRuntime.process"
HANDED_OVER = "chassis.runtime:ConsumerRuntime.hand_over"
"""In the batch's transaction. Before: the inbox is claimed. After: the effects are written too."""
PUBLISHED = "chassis.publishing:Publisher._send"
"""Of one partition's batch. Before: the rows are read. After: they are acknowledged, and still in the outbox."""
COMMITTED = "sqlalchemy.ext.asyncio:AsyncSession.commit"
"""Of any unit of work. Before: nothing is durable. After: it is, and nobody was answered."""
WRITTEN_AT_ONCE = "chassis.database:Database.publish_in"
"""Of a unit of work that is one statement, as a lead's. After: it is durable, and nobody was answered."""
STUCK_AFTER = "chassis.process:STUCK_SECONDS"
LATE_BEAT_AFTER = "chassis.http.health:LONGEST_BEAT_SECONDS"
PRODUCER = "chassis.publishing:AIOKafkaProducer"
EVENT_MODELS = "contracts.registry:EVENTS"

EVERY_POINT = (
    BATCH_SETTLED,
    BATCH_RECEIVED,
    HANDED_OVER,
    PUBLISHED,
    COMMITTED,
    WRITTEN_AT_ONCE,
    STUCK_AFTER,
    LATE_BEAT_AFTER,
    PRODUCER,
    EVENT_MODELS,
)


def find(where: str) -> tuple[Any, str, Any]:
    """What owns the name, the name, and what it names; raises AttributeError where it is gone."""
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for step in owners:
        owner = getattr(owner, step)
    return owner, name, getattr(owner, name)


def install(point: Point) -> None:
    owner, name, found = find(point.where)
    match point.act:
        case "set":
            setattr(owner, name, point.value)
        case "give":
            setattr(owner, name, _with_other_arguments(found, point.value))
        case "grow":
            for model in found.values():
                _grow(model, point.value)
        case _:
            setattr(owner, name, _guarded(found, point))


def _guarded(function: Callable[..., Any], point: Point) -> Callable[..., Any]:
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{point.where} is no coroutine function")
    calls = 0

    def is_reached(owner: Any) -> bool:
        nonlocal calls
        if point.of not in _name_of(owner):
            return False
        calls += 1
        return point.hit <= calls < point.hit + point.times

    @wraps(function)
    async def guarded(*arguments: Any, **named: Any) -> Any:
        reached = is_reached(arguments[0] if arguments else None)
        if reached and point.side == "before":
            await _do(point)
        result = await function(*arguments, **named)
        if reached and point.side == "after":
            await _do(point)
        return result

    return guarded


def _name_of(owner: Any) -> str:
    """A consumer's or a relay's own name; of a subscription, its runtime's."""
    named = getattr(owner, "runtime", owner)
    return str(getattr(named, "name", ""))


async def _do(point: Point) -> None:
    match point.act:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "block":
            # What is tried here is a blocked event loop.
            time.sleep(point.seconds)  # noqa: ASYNC251
        case "sleep":
            await asyncio.sleep(point.seconds)
        case "raise":
            raise find(point.fault)[2]("ordered by a test")


def _with_other_arguments(function: Callable[..., Any], changes: dict[str, Any]) -> Callable[..., Any]:
    @wraps(function)
    def changed(*arguments: Any, **given: Any) -> Any:
        return function(*arguments, **{**given, **changes})

    return changed


def _grow(model: Any, name: str) -> None:
    """In place, as everybody has imported it by now."""
    model.model_fields[name] = FieldInfo(annotation=str | None, default="of the next release")
    model.__annotations__[name] = str | None
    model.schema_version += 1
    model.model_rebuild(force=True)
