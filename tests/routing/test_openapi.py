"""Schemathesis against routing on a real database: whatever is sent, the answer is a documented one."""

import asyncio
from collections.abc import Callable

import pytest

from chassis.clock import SystemClock
from chassis.database import Database, create_engine
from chassis.http.openapi import openapi_document
from deploy.local.postgres import ServiceDatabase
from tests.chassis.http.fuzzing import faults_found
from tests.chassis.http.serving import serving
from tests.kit.identity import TestIdentity
from tests.routing.desk import application


@pytest.fixture
def database(fresh_database: Callable[[str], ServiceDatabase]) -> Database:
    return Database(create_engine(fresh_database("routing").url), "/waybill/routing")


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestEveryOperation:
    async def test_answers_as_documented(self, database: Database, identity: TestIdentity) -> None:
        with serving(application(database, identity, SystemClock())) as address:
            faults = await asyncio.to_thread(faults_found, address, identity.headers(), max_examples=6)
        assert not faults, "\n".join(faults)


class TestDocument:
    def test_holds_every_route(self, identity: TestIdentity) -> None:
        nowhere = Database(create_engine("postgresql://nobody@127.0.0.1:9/none"), "/waybill/routing")
        document = openapi_document(application(nowhere, identity, SystemClock()))
        of_all_services = ("/admin/activity", "/admin/bulk", "/admin/lists", "/admin/parked", "/admin/clock")
        ours = [path for path in document["paths"] if not path.startswith(of_all_services)]
        assert sorted(ours) == sorted(
            [
                "/admin/assignments",
                "/admin/assignments/{assignment_id}",
                "/admin/assignments/{assignment_id}/cancel",
                "/admin/assignments/{assignment_id}/deliveries",
                "/admin/assignments/{assignment_id}/release-cap",
                "/admin/assignments/{assignment_id}/returns",
                "/admin/auto-dispatch",
                "/admin/coverage",
                "/admin/delivery-channels",
                "/admin/dispatch-exceptions",
                "/admin/dispatch-exceptions/{exception_id}",
                "/admin/dispatch-exceptions/{exception_id}/assign",
                "/admin/dispatch-exceptions/{exception_id}/claim",
                "/admin/dispatch-exceptions/{exception_id}/hand-over",
                "/admin/dispatch-exceptions/{exception_id}/reject",
                "/admin/dispatch-exceptions/{exception_id}/resolve",
                "/admin/dispatch-exceptions/{exception_id}/retry",
                "/admin/dispatch-exceptions/{exception_id}/snooze",
                "/admin/dispatch-exceptions/{exception_id}/unassign",
                "/admin/dispatch-exceptions/{exception_id}/wake",
                "/admin/dispatch-health",
                "/admin/installers",
                "/admin/installers/{installer_id}",
                "/admin/installers/{installer_id}/answers",
                "/admin/installers/{installer_id}/caps",
                "/admin/installers/{installer_id}/delivery",
                "/admin/installers/{installer_id}/delivery/close-breaker",
                "/admin/installers/{installer_id}/delivery/rotate-secret",
                "/admin/installers/{installer_id}/delivery/test",
                "/admin/installers/{installer_id}/absences",
                "/admin/installers/{installer_id}/absences/{absence_id}/end",
                "/admin/installers/{installer_id}/contacts",
                "/admin/installers/{installer_id}/contacts/{contact_id}",
                "/admin/installers/{installer_id}/hours",
                "/admin/installers/{installer_id}/notes",
                "/admin/installers/{installer_id}/preflight",
                "/admin/installers/{installer_id}/scorecard",
                "/admin/installers/{installer_id}/share",
                "/admin/installers/{installer_id}/status",
                "/admin/installers/{installer_id}/territory",
                "/admin/leads/{lead_id}/answers/{installer_id}",
                "/admin/leads/{lead_id}/decisions",
                "/admin/leads/{lead_id}/decisions/{attempt_no}/replay",
                "/admin/leads/{lead_id}/dispatch",
                "/admin/returns",
                "/admin/returns/{return_id}",
                "/admin/returns/{return_id}/accept",
                "/admin/returns/{return_id}/deny",
                "/admin/returns/{return_id}/withdraw",
                "/admin/routing-policies/{kind}",
                "/admin/scorecards",
                "/admin/scorecards/regions/{region}",
                "/admin/simulations",
                "/admin/simulations/{simulation_id}",
                "/admin/simulations/{simulation_id}/cancel",
                "/admin/simulations/{simulation_id}/leads",
                "/admin/territory-imports",
            ]
        )
