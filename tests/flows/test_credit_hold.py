"""From finance's deed at billing to the decision at routing: who is on credit hold gets no lead until it is lifted."""

from uuid import UUID

import pytest

from tests.flows.people import Person, new_service
from tests.flows.running import Installer, Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

KNOWN = "SELECT count(*) FROM installer_accounts WHERE installer_id = $1 AND has_prices AND credit_hold = $2"
SENT = "SELECT count(*) FROM assignments WHERE lead_id = $1 AND status = 'sent'"
GIVEN = "SELECT count(*) FROM assignments WHERE lead_id = $1"
WAITS = "SELECT count(*) FROM dispatch_exceptions WHERE lead_id = $1 AND resolved_at IS NULL"
MONEY = {"has_prices", "is_collectable", "has_credit", "owes_nothing_late"}


async def _held(running: Running, installer: Installer, held: bool) -> None:
    body = {"credit_hold": held, "reason": "Two invoices overdue" if held else "Paid"}
    await running.told("PUT", "billing", f"/admin/accounts/{installer.id}/credit-hold", json=body)
    await running.until(lambda: running.number("routing", KNOWN, UUID(installer.id), held))


async def _failing(running: Running, installer: Installer) -> set[str]:
    """Of the checklist's points those that billing tells of and that do not stand."""
    found = await running.told("GET", "routing", f"/admin/installers/{installer.id}/preflight")
    return {check["point"] for check in found["checks"] if not check["passed"]} & MONEY


class TestCreditHold:
    async def test_keeps_leads_from_an_installer_until_it_is_lifted(self, running: Running) -> None:
        service = new_service()
        installer = await running.add_installer(service)
        await running.until(lambda: running.number("routing", KNOWN, UUID(installer.id), False))
        assert await _failing(running, installer) == set()
        await _held(running, installer, True)
        assert await _failing(running, installer) == {"has_credit"}
        lead_id = UUID(await running.take_lead(Person(), service))
        await running.until(lambda: running.number("routing", WAITS, lead_id))
        assert await running.number("routing", GIVEN, lead_id) == 0
        await _held(running, installer, False)
        assert await _failing(running, installer) == set()
        lead_id = UUID(await running.take_lead(Person(), service))
        await running.until(lambda: running.number("routing", SENT, lead_id))
