"""What becomes of a submission that is refused: its answer, and then a count of it, or a line of the source's tests."""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from litestar import Request, Response
from litestar.background_tasks import BackgroundTask

from chassis.clock import Clock
from chassis.database import Database
from chassis.http.problems import Problem, answer_fault, problem_of
from services.intake.commands.leads.testing import TestFault, keep_refused_test
from services.intake.commands.rejections import Rejection
from services.intake.domain import SourceMode
from services.intake.domain.vocabulary import told_field
from services.intake.queries import LiveKey
from services.intake.rejections import RejectionCounter

log = structlog.get_logger(__name__)

BODY_WAS_READ = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)


class Refusals:
    """Hours are those of the business zone's clocks, so that each is of one day."""

    def __init__(self, database: Database, clock: Clock, zone: ZoneInfo) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._counter = RejectionCounter(database)

    def answer(self, request: Request[Any, Any, Any], fault: Exception) -> Response[Any]:
        answer = answer_fault(request, fault)
        live, problem = request.scope.get("user"), problem_of(request, fault)
        if request.method == "POST" and isinstance(live, LiveKey) and _is_of_the_submission(problem):
            answer.background = BackgroundTask(self._keep_if_possible, request, live, problem)
        return answer

    async def _keep_if_possible(self, request: Request[Any, Any, Any], live: LiveKey, problem: Problem) -> None:
        """The caller has its answer: what fails now is ours alone."""
        try:
            await self._keep(request, live, problem)
        except Exception as fault:  # whatever it is, there is nobody left to tell
            log.warning("refusal_not_counted", fault=type(fault).__name__)

    async def _keep(self, request: Request[Any, Any, Any], live: LiveKey, problem: Problem) -> None:
        now = self._clock.now()
        if not await _is_test(request, live, problem):
            self._counter.add(_rejections(live, problem, self._hour(now)))
            await self._counter.write()
        elif problem.status != HTTPStatus.TOO_MANY_REQUESTS:
            async with self._database.transaction() as session:
                keep_refused_test(session, live.source_id, problem.status, _faults(problem), now)

    def _hour(self, now: datetime) -> datetime:
        return now.astimezone(self._zone).replace(minute=0, second=0, microsecond=0)


def _is_of_the_submission(problem: Problem) -> bool:
    """Not that the key stopped working meanwhile, nor what is our own fault."""
    is_of_the_caller = HTTPStatus.BAD_REQUEST <= problem.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_of_the_caller and problem.status != HTTPStatus.UNAUTHORIZED and problem.code != "client_gone"


async def _is_test(request: Request[Any, Any, Any], live: LiveKey, problem: Problem) -> bool:
    if live.mode is SourceMode.TEST:
        return True
    if problem.status not in BODY_WAS_READ:
        return False
    try:
        sent = json.loads(await request.body())
    except (ValueError, RecursionError):
        return False
    return isinstance(sent, dict) and sent.get("test") is True


def _rejections(live: LiveKey, problem: Problem, hour: datetime) -> list[Rejection]:
    """The request as a whole once, and once each of its faults."""
    faults = {Rejection(live.source_id, hour, fault.code, fault.field) for fault in _faults(problem)}
    return [Rejection(live.source_id, hour, problem.code), *faults]


def _faults(problem: Problem) -> list[TestFault]:
    return [TestFault(told_field(error.field), error.code) for error in problem.errors]
