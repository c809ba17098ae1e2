"""From an operator's correction to the installer's mailbox: what was wrong with a lead is told to who has it, once."""

from typing import Any

import pytest

from tests.flows.people import Person, new_service
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

SENT = "SELECT count(*) FROM assignments WHERE lead_id = $1 AND status = 'sent'"


async def _corrections(running: Running, address: str) -> list[dict[str, Any]]:
    mails = [await running.mail(mail["id"]) for mail in await running.mails_to(address)]
    return [mail for mail in mails if mail["subject"].startswith("Corrected: ")]


async def _correct(running: Running, lead_id: str, **given: str) -> None:
    body = {**given, "reason_code": "person_told"}
    await running.told("POST", "intake", f"/admin/leads/{lead_id}/corrections", json=body)


class TestCorrection:
    async def test_reaches_the_mailbox_of_who_has_the_lead(self, running: Running) -> None:
        service, wrong, right = new_service(), Person(), Person()
        installer = await running.add_installer(service)
        lead_id = await running.take_lead(wrong, service)

        async def sent() -> bool:
            return await running.number("routing", SENT, lead_id) == 1

        await running.until(sent)
        await _correct(running, lead_id, phone=right.phone, street=right.street)
        await _correct(running, lead_id, suburb="Dulwich Hill", postcode="2203")

        async def told() -> list[dict[str, Any]]:
            mails = await _corrections(running, installer.email)
            assert len(mails) == 2
            return mails

        mails = await running.until(told)
        (of_the_person,) = [mail for mail in mails if wrong.name in mail["text"]]
        (of_the_place,) = [mail for mail in mails if wrong.name not in mail["text"]]
        text = of_the_person["text"]
        assert f"{right.street} (corrected)" in text
        assert f"{right.phone[:4]} {right.phone[4:7]} {right.phone[7:]} (corrected)" in text
        assert f"Name:       {wrong.name}\n" in text.replace("\r\n", "\n")
        assert wrong.street not in text + of_the_person["html"]
        assert "Place:" not in text
        assert "Dulwich Hill NSW 2203 (corrected)" in of_the_place["text"]
