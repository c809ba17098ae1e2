"""What the table of returns refuses, whatever a command does: one fault for each of its checks."""

import pytest
from sqlalchemy.exc import IntegrityError

from services.routing.domain.returns import ReturnCode
from tests.routing.arrangements import Floor, lead
from tests.routing.test_models import run

FAULTS = {
    "code": "code = 'boredom'",
    "asked_by": "asked_by = 'customer'",
    "channel": "channel = 'pigeon'",
    "rule_verdict": "rule_verdict = 'perhaps'",
    "state": "state = 'lost', decided_at = now(), decided_by_name = 'Robin Field'",
    "denial_code": "denial_code = 'whim'",
    "credit_reason": "credit_reason = 'whim'",
    "decided": "decided_at = now(), decided_by_name = 'Robin Field'",
    "decided_by": "state = 'withdrawn', decided_at = now()",
    "denied": "denial_code = 'not_proven'",
    "accepted": "is_offered_on = true",
    "credited": "credit_reason = 'system_fault'",
    "answered": "credit_result = 'proposed'",
}


async def asked(floor: Floor) -> None:
    await floor.installer()
    await floor.dispatch(lead())
    made = await floor.only_assignment()
    await floor.deliver(made.id)
    await floor.ask_back(made.id, ReturnCode.CONTACT_INVALID)


@pytest.mark.parametrize(("check", "fault"), FAULTS.items())
async def test_a_check_refuses_its_fault(floor: Floor, check: str, fault: str) -> None:
    await asked(floor)
    with pytest.raises(IntegrityError, match=f'"ck_returns_{check}"'):
        await run(floor, f"UPDATE returns SET {fault}")


async def test_no_check_is_left_out(floor: Floor) -> None:
    names = await floor.rows("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = 'returns'::regclass")
    assert {row["conname"] for row in names} == {f"ck_returns_{check}" for check in FAULTS}


async def test_one_return_of_a_delivery_stands(floor: Floor) -> None:
    await asked(floor)
    copy = """INSERT INTO returns SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid()))).*
        FROM returns r"""
    with pytest.raises(IntegrityError, match="uq_returns_standing"):
        await run(floor, copy)
