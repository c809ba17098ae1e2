"""Every route of every service: who is refused, with which answer, and that nobody else is."""

from collections.abc import AsyncIterator, Iterator
from enum import StrEnum
from http import HTTPStatus

import pytest

from chassis.http.auth import ACCESS_COOKIE
from chassis.http.endpoints import RouteGuard
from contracts.identity import Capability, Role
from deploy import SERVICES
from tests.flows.doors import Answers, Doors, doors_of, outcome, path_of
from tests.kit.identity import TestIdentity

NOT_SIGNED_IN = (HTTPStatus.UNAUTHORIZED, "not_signed_in")
CAPABILITY_MISSING = (HTTPStatus.FORBIDDEN, "capability_missing")
STEP_UP_REQUIRED = (HTTPStatus.FORBIDDEN, "step_up_required")
REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Kind(StrEnum):
    """Why a route asks for no operator: it tells nothing that is not for everyone, or it has another credential."""

    OPEN = "open"
    OTHER_CREDENTIAL = "authenticated by"

    @classmethod
    def of(cls, reason: str) -> "Kind":
        return cls.OTHER_CREDENTIAL if reason.startswith(cls.OTHER_CREDENTIAL) else cls.OPEN


# What is in this list was thought about. A route that is public and not here fails the test.
PUBLIC_EVERYWHERE = {
    ("GET", "/health/live"): Kind.OPEN,
    ("GET", "/health/ready"): Kind.OPEN,
    ("GET", "/metrics"): Kind.OPEN,
    ("GET", "/schema/openapi.json"): Kind.OPEN,
    ("GET", "/console/assets/{file_name}"): Kind.OPEN,
}
PUBLIC = {
    "identity": {
        ("GET", "/.well-known/jwks.json"): Kind.OPEN,
        ("POST", "/sessions"): Kind.OTHER_CREDENTIAL,
        ("POST", "/sessions/refresh"): Kind.OTHER_CREDENTIAL,
        ("POST", "/enrolments"): Kind.OTHER_CREDENTIAL,
        ("POST", "/enrolments/confirm"): Kind.OTHER_CREDENTIAL,
        ("GET", "/console/sign-in"): Kind.OPEN,
        ("POST", "/console/sign-in"): Kind.OTHER_CREDENTIAL,
        ("GET", "/console/session/renew"): Kind.OTHER_CREDENTIAL,
        ("GET", "/console/enrol"): Kind.OPEN,
        ("POST", "/console/enrol"): Kind.OTHER_CREDENTIAL,
        ("POST", "/console/enrol/password"): Kind.OTHER_CREDENTIAL,
        ("POST", "/console/enrol/code"): Kind.OTHER_CREDENTIAL,
        ("POST", "/console/enrol/restart"): Kind.OPEN,
    },
    "intake": {
        ("POST", "/leads"): Kind.OTHER_CREDENTIAL,
        ("GET", "/leads/spec"): Kind.OTHER_CREDENTIAL,
        ("GET", "/leads/{lead_id}"): Kind.OTHER_CREDENTIAL,
    },
    "billing": {("POST", "/webhooks/stripe"): Kind.OTHER_CREDENTIAL},
    "payouts": {("POST", "/webhooks/stripe"): Kind.OTHER_CREDENTIAL},
}

# What spans the services shows each operator what their capabilities allow, which may be nothing.
SPANNING = ("search", "today", "waiting", "about/{kind}/{thing_id}")

# About the caller alone: whoever is signed in may, whatever else they may do.
OWN_AFFAIRS = {
    "identity": {
        ("GET", "/sessions/current"),
        ("DELETE", "/sessions/current"),
        ("POST", "/sessions/step-up"),
        ("POST", "/operators/current/password"),
        ("POST", "/operators/current/second-factor"),
        ("GET", "/console"),
        ("POST", "/console/step-up"),
        ("POST", "/console/sign-out"),
        ("GET", "/console/account"),
        ("POST", "/console/account/password"),
        ("POST", "/console/account/second-factor"),
        ("POST", "/console/account/sessions/{session_id}/end"),
        ("POST", "/console/account/sessions/end-others"),
    }
}

# What those who deal with money may do without a fresh second factor: it prepares, corrects before issue or tells
# again, and moves nothing. Any other change of theirs asks for one.
PREPARES_MONEY = {
    "intake": {
        ("POST", "/admin/clients"),
        ("PATCH", "/admin/clients/{client_id}"),
        ("POST", "/admin/boards"),
        ("POST", "/console/clients"),
        ("POST", "/console/clients/{client_id}/edit"),
        ("POST", "/console/boards"),
    },
    "routing": {
        ("POST", "/admin/installers"),
        ("POST", "/console/installers"),
        ("POST", "/console/routing-policies/returns/change"),
    },
    "billing": {
        ("PUT", "/admin/billing/accounts/{account_id}"),
        ("PUT", "/admin/accounts/{account_id}/credit-hold"),
        ("POST", "/admin/billing/generate-invoice-drafts"),
        ("PUT", "/admin/billing/invoices/{invoice_id}/stripe-reference"),
        ("POST", "/admin/billing/months/{period}/marks"),
        ("PUT", "/admin/billing/months/{period}/scope"),
        ("POST", "/admin/billing/months/{period}/snapshot"),
        ("POST", "/admin/billing/months/{period}/stripe-references"),
        ("PUT", "/admin/ops/invoices/{invoice_id}/lines"),
        ("POST", "/admin/ops/invoices/{invoice_id}/redraft"),
        ("POST", "/admin/billing/invoices/{invoice_id}/resend"),
        ("POST", "/admin/billing/adjustments/{adjustment_id}/reject"),
        ("POST", "/admin/billing/stripe-events/{stripe_event_id}/retry"),
        ("POST", "/admin/billing/reconciliations"),
        ("POST", "/admin/billing/reconciliations/uploads"),
        ("POST", "/admin/billing/reconciliations/reviews"),
        ("POST", "/admin/billing/differences/{difference_id}/assign"),
        ("POST", "/admin/billing/differences/{difference_id}/look-up"),
        ("PUT", "/admin/billing/stripe-roles"),
        ("POST", "/admin/billing/certificates"),
        ("POST", "/admin/credit-proposals/{request_id}/decline"),
        ("POST", "/console/stripe/compare"),
        ("POST", "/console/stripe/upload"),
        ("POST", "/console/stripe/review"),
        ("POST", "/console/stripe/roles"),
        ("POST", "/console/stripe-events/bulk/{job_id}/retry"),
        ("POST", "/console/differences/bulk/{job_id}/assign"),
        ("POST", "/console/differences/{difference_id}/assign"),
        ("POST", "/console/differences/{difference_id}/look_up"),
        ("POST", "/console/accounts/{account_id}/edit"),
        ("POST", "/console/accounts/{account_id}/hold"),
        ("POST", "/console/accounts/{account_id}/lift-hold"),
        ("POST", "/console/client-invoices/{invoice_id}/lines"),
        ("POST", "/console/client-invoices/{invoice_id}/redraft"),
        ("POST", "/console/invoices/{invoice_id}/keep-reference"),
        ("POST", "/console/invoices/{invoice_id}/resend"),
        ("POST", "/console/month-close/{month}/all-installers"),
        ("POST", "/console/month-close/{month}/drafts"),
        ("POST", "/console/month-close/{month}/issue/dry-run"),
        ("POST", "/console/month-close/{month}/marks"),
        ("POST", "/console/month-close/{month}/references/keep"),
        ("POST", "/console/month-close/{month}/references/look"),
        ("POST", "/console/month-close/{month}/scope"),
        ("POST", "/console/month-close/{month}/snapshot"),
        ("POST", "/console/adjustments/{adjustment_id}/reject"),
        ("POST", "/console/credit-proposals/{request_id}/decline"),
        ("POST", "/console/stripe-events/{stripe_event_id}/retry"),
        ("POST", "/console/certificates"),
        ("PUT", "/admin/billing/accounts/{account_id}/contacts/{contact_id}"),
        ("DELETE", "/admin/billing/accounts/{account_id}/contacts/{contact_id}"),
        ("POST", "/admin/accounts/{account_id}/statements"),
        ("POST", "/admin/billing/invoices/{invoice_id}/promises"),
        ("POST", "/admin/billing/promises/{promise_id}/withdraw"),
        ("PUT", "/admin/billing/invoices/{invoice_id}/owner"),
        ("POST", "/admin/billing/receivables/snapshots"),
        ("POST", "/admin/billing/void-requests/{void_request_id}/reject"),
        ("POST", "/admin/billing/write-offs/{write_off_id}/reject"),
        ("POST", "/console/accounts/{account_id}/contacts"),
        ("POST", "/console/accounts/{account_id}/contacts/{contact_id}"),
        ("POST", "/console/accounts/{account_id}/contacts/{contact_id}/remove"),
        ("POST", "/console/accounts/{account_id}/prices/preview"),
        ("POST", "/console/accounts/{account_id}/end-prices/preview"),
        ("POST", "/console/accounts/{account_id}/receive"),
        ("POST", "/console/accounts/{account_id}/statement"),
        ("POST", "/console/invoices/{invoice_id}/promise"),
        ("POST", "/console/invoices/{invoice_id}/withdraw-promise"),
        ("POST", "/console/invoices/{invoice_id}/give-invoice"),
        ("POST", "/console/receivables/snapshots"),
        ("POST", "/console/void-requests/{void_request_id}/reject"),
        ("POST", "/console/write-offs/{write_off_id}/reject"),
    },
    "payouts": {("POST", "/console/board-splits/{board_id}/participations/preview")},
}


@pytest.fixture(scope="module")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture(scope="module", params=SERVICES)
async def service(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
async def doors(service: str, identity: TestIdentity) -> AsyncIterator[Doors]:
    async with doors_of(service, identity) as doors:
        yield doors


class TestPublicRoutes:
    async def test_are_those_that_were_thought_about_and_no_other(self, service: str, doors: Doors) -> None:
        public = {
            (guard.method, guard.path): Kind.of(guard.public_reason)
            for guard in doors.guards
            if guard.public_reason is not None
        }
        assert public == PUBLIC_EVERYWHERE | PUBLIC.get(service, {})

    async def test_with_another_credential_let_nobody_in_without_it(self, doors: Doors, identity: TestIdentity) -> None:
        closed = [g for g in doors.guards if g.public_reason and Kind.of(g.public_reason) is Kind.OTHER_CREDENTIAL]
        tokens = {"without": None, "as a super admin": identity.token_of(Role.SUPER_ADMIN)}
        answers = await doors.answers(closed, tokens)
        assert {knock: told for knock, told in answers.items() if told[0] < HTTPStatus.BAD_REQUEST} == {}


class TestGuardedRoutes:
    async def test_ask_for_a_capability_of_ours_or_are_about_the_caller(self, service: str, doors: Doors) -> None:
        without = {(guard.method, guard.path) for guard in doors.guarded if guard.capability is None}
        spanning = {("GET", f"/console/desk/{service}/{page}") for page in SPANNING}
        assert without == OWN_AFFAIRS.get(service, set()) | spanning
        assert {guard.capability for guard in doors.guarded} - {None} <= set(Capability)

    async def test_that_move_money_ask_for_a_fresh_second_factor(self, service: str, doors: Doors) -> None:
        without = {
            (guard.method, guard.path)
            for guard in doors.guarded
            if guard.capability == Capability.MANAGE_BILLING_OPS and guard.method != "GET" and not guard.step_up
        }
        assert without == PREPARES_MONEY.get(service, set())

    async def test_refuse_who_shows_no_valid_token(self, doors: Doors, identity: TestIdentity) -> None:
        tokens = {
            "without a token": None,
            "expired": identity.expired_token(),
            "forged": identity.forged_token(),
            "tampered": identity.tampered_token(),
            "unsigned": identity.unsigned_token(),
            "HS256 by the public key": identity.symmetric_token(),
            "of another issuer": identity.token_of(Role.SUPER_ADMIN, iss="someone-else"),
            "for another audience": identity.token_of(Role.SUPER_ADMIN, aud="someone-else"),
            "without an end": identity.token_of(Role.SUPER_ADMIN, exp=None),
            "of no token's form": "robin.field",
        }
        answers = await doors.answers(doors.guarded, tokens)
        assert {knock: told for knock, told in answers.items() if told != NOT_SIGNED_IN} == {}

    async def test_refuse_them_under_every_spelling_of_the_path(self, doors: Doors) -> None:
        """Another spelling may be no route at all; it is never a way in."""
        let_in = []
        for guard in doors.guarded:
            path = path_of(guard)
            for spelling in (f"{path}/", f"/{path}", f"{path}/.", f"{path}?token=x", path.upper(), f"{path}%00"):
                answer = await doors.client.request(guard.method, f"http://in.process{spelling}")
                if answer.status_code < HTTPStatus.BAD_REQUEST:
                    let_in.append(f"{guard.method} {spelling}")
        assert let_in == []

    async def test_refuse_them_before_they_look_at_what_was_sent(self, doors: Doors) -> None:
        """No other answer tells a stranger what a route would make of a body."""
        answers = {}
        for guard in doors.guarded:
            answer = await doors.client.request(guard.method, path_of(guard), content=b"{", params={"limit": "x"})
            answers[f"{guard.method} {guard.path}"] = outcome(answer)
        assert {knock: told for knock, told in answers.items() if told != NOT_SIGNED_IN} == {}

    async def test_answer_head_as_get_to_those_alone_who_may_get(self, doors: Doors, identity: TestIdentity) -> None:
        reading = [guard for guard in doors.guarded if guard.method == "GET"]
        stranger = [(await doors.knock(guard, method="HEAD")).status_code for guard in reading]
        assert stranger == [HTTPStatus.UNAUTHORIZED] * len(reading)
        token = identity.token_of(Role.SUPER_ADMIN)
        known = [(await doors.knock(guard, token, method="HEAD")).status_code for guard in reading]
        assert not set(known) & set(REFUSALS)

    async def test_refuse_each_role_that_lacks_the_capability(self, doors: Doors, identity: TestIdentity) -> None:
        answers: Answers = {}
        for guard in doors.guarded:
            if guard.capability is not None:
                lacking = {role.value: identity.token_of(role) for role in Role if not _has(role, guard)}
                answers |= await doors.answers([guard], {**lacking, "no role": identity.token([])})
        assert {knock: told for knock, told in answers.items() if told != CAPABILITY_MISSING} == {}

    async def test_ask_for_a_fresh_second_factor_where_they_say_so(self, doors: Doors, identity: TestIdentity) -> None:
        answers: Answers = {}
        for guard in doors.guarded:
            if guard.step_up:
                stale = {role.value: _stale_token(identity, role) for role in Role if _has(role, guard)}
                answers |= await doors.answers([guard], stale)
        assert {knock: told for knock, told in answers.items() if told != STEP_UP_REQUIRED} == {}

    async def test_ask_for_no_second_factor_where_they_do_not_say_so(
        self, doors: Doors, identity: TestIdentity
    ) -> None:
        without = [guard for guard in doors.guarded if not guard.step_up]
        answers = await doors.answers(without, {"stale": _stale_token(identity, Role.SUPER_ADMIN)})
        assert {knock: told for knock, told in answers.items() if not _is_let_in(told)} == {}

    async def test_take_no_form_without_the_mark_of_its_session(self, doors: Doors, identity: TestIdentity) -> None:
        headers = {"Cookie": f"{ACCESS_COOKIE}={identity.token_of(Role.SUPER_ADMIN)}"}
        let_in = {}
        for guard in doors.guarded:
            if guard.is_page and guard.method == "POST":
                for data in ({"reason": "They asked"}, {"csrf": ""}, {"csrf": "of another session"}):
                    answer = await doors.client.post(path_of(guard), data=data, headers=headers)
                    if answer.status_code != HTTPStatus.FORBIDDEN or "open its page again" not in answer.text:
                        let_in[f"{guard.path} {data}"] = answer.status_code
        assert let_in == {}

    async def test_let_in_each_role_that_has_the_capability(self, doors: Doors, identity: TestIdentity) -> None:
        answers: Answers = {}
        for guard in doors.guarded:
            having = {role.value: identity.token_of(role) for role in Role if _has(role, guard)}
            answers |= await doors.answers([guard], having)
        assert {knock: told for knock, told in answers.items() if not _is_let_in(told)} == {}


def _stale_token(identity: TestIdentity, role: Role) -> str:
    return identity.stale_headers(role)["Authorization"].removeprefix("Bearer ")


def _has(role: Role, guard: RouteGuard) -> bool:
    return guard.capability is None or guard.capability in role.capabilities


def _is_let_in(told: tuple[int, str | None]) -> bool:
    """Refused for the request's own sake, or stopped by the database that is away; never by a fault of ours."""
    status, _ = told
    ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE
    return status not in REFUSALS and not ours
