"""The ASGI application: one request becomes one endpoint's answer, by way of key, faults and idempotency."""

import asyncio
import json
import logging
from collections import deque
from secrets import token_hex

from deploy.local.stripe import PINNED_API_VERSION
from deploy.local.stripe.authentication import authenticate, check_version, connected_account
from deploy.local.stripe.control import ControlRoutes
from deploy.local.stripe.errors import ApiError, Json, internal_error, rate_limited
from deploy.local.stripe.expandable import check_expansions
from deploy.local.stripe.expanding import expand
from deploy.local.stripe.faults import Fault, FaultBook, FaultKind, Work
from deploy.local.stripe.forms import Form, decode
from deploy.local.stripe.idempotency import KeyLedger, key_in_use
from deploy.local.stripe.params import list_of, read_shape, text
from deploy.local.stripe.passing import pass_time
from deploy.local.stripe.resources import ROUTES
from deploy.local.stripe.routing import Route, Router
from deploy.local.stripe.settings import Settings
from deploy.local.stripe.transport import Answer, Receive, Request, Scope, Send, hang_up, read_request, send_answer
from deploy.local.stripe.transport import reset as reset_connection
from deploy.local.stripe.world import Call, World

log = logging.getLogger(__name__)

_EXPAND = {"expand": list_of(text())}
_REMEMBERED_REQUESTS = 1000


class Simulator:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.world = World(settings)
        self.keys = KeyLedger(self.world.now)
        self.faults = FaultBook()
        self.requests: deque[Json] = deque(maxlen=_REMEMBERED_REQUESTS)
        self._router = Router(ROUTES)
        self._control = ControlRoutes(self)
        self._background: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    def clear(self) -> None:
        """As just started: no objects, keys or faults; the endpoints of the command line stay."""
        self.world.clear()
        self.keys.clear()
        self.faults.clear()
        self.requests.clear()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._background = [asyncio.create_task(pass_time(self.world))]
        self.world.courier.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in self._background:
            task.cancel()
        await self.world.courier.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = await read_request(scope, receive)
        except ApiError as error:
            await send_answer(send, Answer.refusal(error))
            return
        if request.path.startswith("/_control/"):
            await send_answer(send, self._control.answer(request))
            return
        fault = self.faults.take(request.method, request.path)
        if fault is not None and fault.kind is FaultKind.RESET:
            self._remember(request, None, fault)
            await reset_connection(scope, receive)
            return
        answer = await self._answer(request, fault)
        self._remember(request, answer, fault)
        if fault is not None and fault.kind is FaultKind.LOST_ANSWER:
            await hang_up(scope, receive)
        else:
            await send_answer(send, answer)

    async def _answer(self, request: Request, fault: Fault | None) -> Answer:
        request_id = "req_" + token_hex(7)
        try:
            answer = await self._perform(request, request_id, fault)
        except ApiError as error:
            answer = Answer.refusal(error)
        headers = {"Request-Id": request_id, "Stripe-Version": PINNED_API_VERSION, **answer.headers}
        if "idempotency-key" in request.headers:
            headers["Idempotency-Key"] = request.headers["idempotency-key"]
        return Answer(answer.status, answer.body, headers)

    async def _perform(self, request: Request, request_id: str, fault: Fault | None) -> Answer:
        _strike_before_execution(request, fault)
        authenticate(request, self.settings.api_key)
        check_version(request)
        account = connected_account(request, self.world)
        route, path = self._router.match(request.method, request.path)
        claim = self.keys.claim(request)
        if claim.replay is not None:
            return _replayed(claim.replay)
        try:
            call, expansions = self._call(request, route, path)
            call.account, call.request_id = account, request_id
            answer = await self._execute(route, call, expansions, fault)
            claim.keep(_remembering(answer, request_id))
        finally:
            claim.release()
        return answer

    def _call(self, request: Request, route: Route, path: dict[str, str]) -> tuple[Call, list[str]]:
        """Refuses parameters that the endpoint does not take, before it begins to execute."""
        form: Form = decode(request.body if request.method == "POST" else request.query)
        params = read_shape({**route.shape, **_EXPAND}, form)
        expansions: list[str] = params.pop("expand", [])
        check_expansions(route.method, route.path, expansions)
        return Call(self.world, params, path, None, request.headers.get("idempotency-key")), expansions

    async def _execute(self, route: Route, call: Call, expansions: list[str], fault: Fault | None) -> Answer:
        if fault is None or fault.kind is FaultKind.LOST_ANSWER:
            return _run(route, call, expansions)
        if fault.kind is FaultKind.SERVER_ERROR:
            if fault.work is Work.BEFORE:
                _run(route, call, expansions)
            return _failure()
        if fault.work is Work.AFTER:
            await asyncio.sleep(fault.seconds)
            return _run(route, call, expansions)
        answer = _run(route, call, expansions)
        await asyncio.sleep(fault.seconds)
        return answer

    def _remember(self, request: Request, answer: Answer | None, fault: Fault | None) -> None:
        self.requests.append(
            {
                "method": request.method,
                "path": request.path,
                "idempotency_key": request.headers.get("idempotency-key"),
                "request_id": answer.headers.get("Request-Id") if answer else None,
                "status": answer.status if answer else None,
                "replayed": answer is not None and "Idempotent-Replayed" in answer.headers,
                "fault": fault.kind.value if fault else None,
            }
        )


def _strike_before_execution(request: Request, fault: Fault | None) -> None:
    if fault is None:
        return
    if fault.kind is FaultKind.CONFLICT:
        raise key_in_use(request.headers.get("idempotency-key", ""))
    if fault.kind is FaultKind.RATE_LIMIT:
        raise rate_limited()


def _run(route: Route, call: Call, expansions: list[str]) -> Answer:
    try:
        return Answer.of(expand(call, route.handle(call), expansions))
    except ApiError as error:
        return Answer.refusal(error)
    except Exception:
        log.exception("%s %s failed", route.method, route.path)
        return _failure()


def _failure() -> Answer:
    """The SDK is told not to retry: the key would only give the same 500 again."""
    error = internal_error()
    return Answer(error.status, json.dumps(error.body()).encode(), {"Stripe-Should-Retry": "false"})


def _remembering(answer: Answer, request_id: str) -> Answer:
    return Answer(answer.status, answer.body, {**answer.headers, "Original-Request": request_id})


def _replayed(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body, {**answer.headers, "Idempotent-Replayed": "true"})
