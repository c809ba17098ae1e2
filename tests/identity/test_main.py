"""The composition root: which routes ask for what, and what runs by night."""

from datetime import timedelta

from sqlalchemy import func, select

from chassis.http import route_guards
from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Capability
from services.identity.main import build
from services.identity.models import SigningKey
from tests.identity.house import House

PUBLIC = {
    ("GET", "/.well-known/jwks.json"),
    ("POST", "/sessions"),
    ("POST", "/sessions/refresh"),
    ("POST", "/enrolments"),
    ("POST", "/enrolments/confirm"),
    ("GET", "/console/sign-in"),
    ("POST", "/console/sign-in"),
    ("GET", "/console/session/renew"),
    ("GET", "/console/enrol"),
    ("POST", "/console/enrol"),
    ("POST", "/console/enrol/password"),
    ("POST", "/console/enrol/code"),
    ("POST", "/console/enrol/restart"),
}
STEP_UP = {
    ("POST", "/admin/operators"),
    ("POST", "/admin/operators/{operator_id}/role"),
    ("POST", "/admin/operators/{operator_id}/enable"),
    ("POST", "/admin/operators/{operator_id}/reset-second-factor"),
    ("POST", "/admin/signing-keys/rotate"),
    ("POST", "/operators/current/second-factor"),
    ("POST", "/console/account/second-factor"),
    ("POST", "/console/operators/export"),
    ("POST", "/console/operators/invite"),
    ("POST", "/console/operators/{operator_id}/change-role"),
    ("POST", "/console/operators/{operator_id}/enable"),
    ("POST", "/console/operators/{operator_id}/reset-second-factor"),
}
OF_THE_CHASSIS = (
    "/health/",
    "/metrics",
    "/schema/",
    "/admin/activity",
    "/admin/clock",
    "/admin/lists",
    "/admin/parked-events",
    "/console/assets/",
    "/console/desk/",
    "/admin/design",
)


class TestRoutes:
    async def test_ask_for_what_they_give(self, house: House) -> None:
        service = build(house.security.settings, security=house.security, database=house.database)
        guards = [
            guard for guard in route_guards(assemble(service, Shape.API)) if not guard.path.startswith(OF_THE_CHASSIS)
        ]
        assert {(guard.method, guard.path) for guard in guards if guard.public_reason} == PUBLIC
        assert {(guard.method, guard.path) for guard in guards if guard.step_up} == STEP_UP
        managing = {guard.path for guard in guards if guard.capability == Capability.MANAGE_ADMIN_ACCESS}
        expected = [guard.path for guard in guards if guard.path.startswith(("/admin/", "/console/operators"))]
        assert managing == set(expected)


class TestJobs:
    async def test_rotate_and_clean(self, house: House) -> None:
        service = build(house.security.settings, security=house.security, database=house.database)
        await house.sign_in(await house.person())
        assert [job.name for job in service.jobs] == ["rotate_signing_key", "purge"]
        for days, keys in ((29, 1), (1, 2), (1, 1)):
            house.clock.advance(timedelta(days=days))
            for job in service.jobs:
                await job.run(house.clock.now())
            async with house.database.reading() as session:
                assert await session.scalar(select(func.count()).select_from(SigningKey)) == keys
