"""What the tables of dispatch in depth refuse, whatever a command does: one fault for each of their checks."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from chassis.ids import new_id
from services.routing.domain.states import AssignmentStatus
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, SHARED, Floor, lead
from tests.routing.test_models import run

LINK = "INSERT INTO lead_links VALUES (:id, {other}, '{kind}', now())"
PRICE = "INSERT INTO known_prices VALUES (:id, '{product}', {cents}, now())"
POLICY = "INSERT INTO routing_policies VALUES ('{kind}', {version}, '{body}', 'Robin Field', now(), 'why')"
CONTACT = """INSERT INTO installer_contacts (id, installer_id, name, role, email, created_at)
    SELECT :id, id, 'Ana Lim', '{role}', {email}, now() FROM installers"""

FAULTS = {
    "ck_installers_channel": "UPDATE installers SET channel = 'pigeon'",
    "ck_installers_home_state": "UPDATE installers SET home_state = 'NZ'",
    "ck_installers_hours": "UPDATE installers SET hours = '{}'",
    "ck_installers_holidays_have_a_state": "UPDATE installers SET keeps_public_holidays = true",
    "ck_installers_share_weight": "UPDATE installers SET share_weight = 1001",
    "ck_installer_absences_kind": "UPDATE installer_absences SET kind = 'siesta'",
    "ck_installer_absences_ends_after_it_starts": "UPDATE installer_absences SET ends_at = starts_at",
    "ck_installer_contacts_role": CONTACT.format(role="mascot", email="'a@b.example'"),
    "ck_installer_contacts_can_be_reached": CONTACT.format(role="owner", email="NULL"),
    "ck_delivery_endpoints_channel": "UPDATE delivery_endpoints SET channel = 'pigeon', url = NULL",
    "ck_delivery_endpoints_breaker": "UPDATE delivery_endpoints SET breaker = 'ajar'",
    "ck_delivery_endpoints_url": "UPDATE delivery_endpoints SET url = NULL",
    "ck_delivery_endpoints_secret_generation": "UPDATE delivery_endpoints SET secret_generation = 0",
    "ck_delivery_endpoints_counts": "UPDATE delivery_endpoints SET opens = -1",
    "ck_delivery_endpoints_opened": "UPDATE delivery_endpoints SET breaker = 'open', opened_at = now()",
    "ck_assignments_channel": "UPDATE assignments SET channel = 'pigeon'",
    "ck_decisions_trigger": """
        INSERT INTO decisions SELECT (json_populate_record(d, json_build_object(
            'id', gen_random_uuid(), 'attempt_no', 9, 'trigger', 'whim'))).* FROM decisions d LIMIT 1""",
    "ck_decisions_parallel": """
        INSERT INTO decisions SELECT (json_populate_record(d, json_build_object(
            'id', gen_random_uuid(), 'attempt_no', 9, 'outcomes', ARRAY['status', 'status']))).*
        FROM decisions d LIMIT 1""",
    "ck_dispatches_delivered": "UPDATE dispatches SET status = 'delivered'",
    "ck_dispatch_exceptions_reason": "UPDATE dispatch_exceptions SET reason = 'boredom'",
    "ck_dispatch_exceptions_resolution": "UPDATE dispatch_exceptions SET resolution = 'lost', resolved_at = now()",
    "ck_dispatch_exceptions_owned": "UPDATE dispatch_exceptions SET owner_id = gen_random_uuid()",
    "ck_dispatch_exceptions_snoozed": "UPDATE dispatch_exceptions SET snoozed_until = now()",
    "ck_dispatch_exceptions_retries": "UPDATE dispatch_exceptions SET retries_left = -1",
    "ck_lead_links_kind": LINK.format(other="gen_random_uuid()", kind="twins"),
    "ck_lead_links_two_leads": LINK.format(other=":id", kind="merged"),
    "ck_known_prices_product_type": PRICE.format(product="premium", cents=1),
    "ck_known_prices_unit_price_cents": PRICE.format(product="shared", cents=-1),
    "ck_routing_policies_kind": POLICY.format(kind="mood", version=1, body="{}"),
    "ck_routing_policies_version": POLICY.format(kind="queue", version=0, body="{}"),
    "ck_routing_policies_body": POLICY.format(kind="queue", version=2, body="[]"),
}
OF_BEFORE = {
    "ck_installers_limits", "ck_installers_request_sha256_length", "ck_installers_status",
    "ck_assignments_cap_release_reason", "ck_assignments_cap_state", "ck_assignments_released",
    "ck_assignments_released_has_its_reason", "ck_assignments_selected_path", "ck_assignments_shares",
    "ck_decisions_chosen", "ck_decisions_shortfall_has_its_reason",
    "ck_dispatch_exceptions_resolved",
    "ck_dispatches_closed", "ck_dispatches_selected_path", "ck_dispatches_state", "ck_dispatches_status",
}  # fmt: skip
OF_RETURNS = {
    "ck_assignments_cap_follows_status", "ck_assignments_ended", "ck_assignments_sent", "ck_assignments_status",
}  # fmt: skip


@pytest.fixture
async def full(floor: Floor) -> Floor:
    """A row in every table, in a state from which one step is a fault."""
    installer_id = await floor.installer()
    await floor.endpoint(installer_id)
    await run(floor, "DELETE FROM delivery_endpoints WHERE channel = 'mail'")
    await floor.dispatch(lead(), lead(location=FREMANTLE))
    await floor.absence(installer_id)
    return floor


@pytest.mark.parametrize(("check", "fault"), FAULTS.items())
async def test_a_check_refuses_its_fault(full: Floor, check: str, fault: str) -> None:
    with pytest.raises(IntegrityError, match=f'"{check}"'):
        await run(full, fault, **({"id": new_id()} if ":id" in fault else {}))


async def test_no_check_of_these_tables_is_left_out(floor: Floor) -> None:
    names = await floor.rows(
        """SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text IN (
               'installers', 'installer_absences', 'installer_contacts', 'installer_notes',
               'installer_versions', 'delivery_endpoints', 'assignments',
               'decisions', 'dispatches', 'dispatch_exceptions', 'lead_links', 'known_prices', 'routing_policies',
               'installer_accounts', 'operators')"""
    )
    assert {row["conname"] for row in names} == FAULTS.keys() | OF_BEFORE | OF_RETURNS


RELEASED = "cap_state = 'released', cap_released_at = now(), cap_release_reason = 'invalid_lead'"


class TestAReturnedAssignment:
    async def test_was_sent_has_ended_and_holds_no_place(self, floor: Floor) -> None:
        await self.sent(floor)
        await floor.send_back((await floor.only_assignment()).id)
        assert (await floor.only_assignment()).status is AssignmentStatus.RETURNED

    @pytest.mark.parametrize(
        ("change", "check"),
        [
            ("ended_at = now()", "cap_follows_status"),
            ("cap_state = 'given_back', ended_at = now()", "cap_follows_status"),
            (RELEASED, "ck_assignments_ended"),
            (f"{RELEASED}, ended_at = now(), sent_at = NULL", "ck_assignments_sent"),
        ],
    )
    async def test_is_nothing_by_halves(self, floor: Floor, change: str, check: str) -> None:
        await self.sent(floor)
        with pytest.raises(IntegrityError, match=check):
            await run(floor, f"UPDATE assignments SET status = 'returned', {change}")

    async def test_leaves_its_share_to_others(self, floor: Floor) -> None:
        await self.sent(floor)
        await floor.send_back((await floor.only_assignment()).id)
        await run(
            floor,
            """INSERT INTO assignments (id, version, lead_id, installer_id, decision_id, selected_path, share_no,
                                        status, cap_state, created_at)
               SELECT gen_random_uuid(), 1, lead_id, :other, decision_id, selected_path, share_no, 'pending',
                      'reserved', created_at FROM assignments""",
            other=await floor.installer(),
        )

    async def sent(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead(SHARED))
        await floor.deliver((await floor.only_assignment()).id)


class TestWhatIsWrittenOnce:
    @pytest.mark.parametrize("table", ["installer_versions", "routing_policies"])
    @pytest.mark.parametrize("deed", ["UPDATE {} SET changed_at = now()", "DELETE FROM {}"])
    async def test_stays_as_it_is(self, floor: Floor, table: str, deed: str) -> None:
        await floor.installer()
        with pytest.raises(DBAPIError, match="permission denied"):
            await run(floor, deed.format(table))


async def test_arrangements_are_rows_like_any(floor: Floor) -> None:
    installer_id = await floor.installer()
    await floor.account(installer_id, credit_hold=True, credit_hold_reason="nothing paid since December")
    await floor.operator(is_active=False)
    [account] = await floor.rows("SELECT * FROM installer_accounts")
    [operator] = await floor.rows("SELECT * FROM operators")
    assert (account["installer_id"], account["credit_hold"], account["changed_at"]) == (installer_id, True, NOW)
    assert (operator["operator_id"], operator["is_active"]) == (ROBIN.id, False)


async def test_a_delivered_lead_may_wait_again(floor: Floor) -> None:
    await floor.installer()
    await floor.dispatch(lead())
    await floor.deliver((await floor.only_assignment()).id)
    async with floor.database.transaction() as session:
        await session.execute(text("UPDATE dispatches SET status = 'exception'"))
    [row] = await floor.rows("SELECT status, delivered_at FROM dispatches")
    assert (row["status"], row["delivered_at"]) == ("exception", NOW)
