"""What the tables of payouts let through, and what the serving role cannot do to money at all."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.database import Database, create_engine
from chassis.ids import new_id
from chassis.migrate import check, configuration
from deploy.local.postgres import ServiceDatabase
from services.payouts.domain import PayoutState
from services.payouts.models import Payout
from tests.payouts.arrangements import Office


class TestSchema:
    def test_models_and_migrations_agree(self, service_database: Callable[[str], ServiceDatabase]) -> None:
        check(configuration("payouts", service_database("payouts").owner_url, "payouts"))


async def refused(office: Office, statement: str, match: str) -> None:
    with pytest.raises(DBAPIError, match=match):
        async with office.database.transaction() as session:
            await session.execute(text(statement))


async def refused_to_the_owner(office: Office, statement: str, match: str) -> None:
    """Whom no grant keeps: by the trigger behind it."""
    url = office.database.engine.url.set(username="payouts_owner").render_as_string(hide_password=False)
    owners = Database(create_engine(url), "/waybill/tests")
    with pytest.raises(DBAPIError, match=match):
        async with owners.transaction() as session:
            await session.execute(text(statement))
    await owners.close()


FACTS = (
    "UPDATE payouts SET amount_cents = amount_cents + 1",
    "UPDATE payouts SET expert_id = gen_random_uuid()",
    "UPDATE payouts SET board_id = gen_random_uuid()",
    "UPDATE attempts SET amount_cents = 1",
    "UPDATE attempts SET destination = 'acct_mine'",
    "UPDATE attempts SET idempotency_key = 'another'",
    "UPDATE attempts SET id = gen_random_uuid()",
)


class TestGuards:
    @pytest.fixture
    async def sent(self, office: Office) -> Payout:
        return await office.sender.send((await office.ready_payout()).id)

    @pytest.mark.parametrize("statement", [*FACTS, "DELETE FROM attempts", "DELETE FROM payouts", "TRUNCATE attempts"])
    async def test_the_role_may_not_touch_what_was_earned_or_moved(
        self, office: Office, sent: Payout, statement: str
    ) -> None:
        await refused(office, statement, "permission denied")

    @pytest.mark.parametrize("table", ["experts", "boards", "board_payments"])
    async def test_the_role_may_not_forget_who_and_what_for(self, office: Office, sent: Payout, table: str) -> None:
        await refused(office, f"DELETE FROM {table}", "permission denied")

    @pytest.mark.parametrize(
        ("statement", "fault"),
        [
            *((statement, "written once") for statement in FACTS),
            ("DELETE FROM attempts", "not allowed"),
            ("UPDATE attempts SET outcome = 'unknown'", "written once"),
            ("UPDATE attempts SET stripe_id = 'tr_other'", "written once"),
            ("UPDATE payouts SET stripe_transfer_id = 'tr_other'", "written once"),
            ("UPDATE payouts SET invoice_id = gen_random_uuid()", "written once"),
            ("UPDATE payouts SET reversed_cents = 5", "not what its attempts came to"),
        ],
    )
    async def test_nobody_may(self, office: Office, sent: Payout, statement: str, fault: str) -> None:
        await refused_to_the_owner(office, statement, fault)

    @pytest.mark.parametrize(
        "columns",
        [
            "stripe_transfer_id = 'tr_made_up', state = 'sent'",
            "reversed_cents = 5",
        ],
    )
    async def test_nothing_is_sent_or_came_back_without_its_attempt(self, office: Office, columns: str) -> None:
        payout = await office.ready_payout()
        await refused(office, f"UPDATE payouts SET {columns}", "not what its attempts came to")
        assert (await office.payout(payout.id)).state is PayoutState.READY

    async def test_no_payout_is_sent_twice(self, office: Office, sent: Payout) -> None:
        await refused(office, again(new_id()), "uq_attempts_paid_once")


def again(attempt_id: UUID) -> str:
    return (
        "INSERT INTO attempts (id, payout_id, kind, attempt_no, idempotency_key, destination, amount_cents, currency,"
        f" outcome, stripe_id, created_at, lease_until) SELECT '{attempt_id}', payout_id, kind, 2, 'again',"
        " destination, amount_cents, currency, outcome, 'tr_again', created_at, lease_until FROM attempts"
    )
