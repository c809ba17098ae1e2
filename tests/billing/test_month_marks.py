"""Whom a month's close is about, and who ticked which of its steps."""

import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest

from chassis.console.wording import counted
from contracts.identity import Role
from services.billing.domain.month_close import CloseStep
from tests.billing.arrangements import Books, march, sent
from tests.billing.arrangements_close_runs import ready_drafts
from tests.billing.arrangements_settlement import void_whole
from tests.billing.desk import Desk
from tests.billing.test_models import NOT_GRANTED, refused
from tests.billing.windows import Window

MARCH_PATH = "/console/month-close/2026-03"


class TestWhomItIsAbout:
    async def test_every_step_is_about_the_chosen_alone(self, books: Books, window: Window) -> None:
        chosen, other = await books.priced_installer(name="Chosen"), await books.priced_installer(name="Other")
        await books.deliver(sent(chosen, march(10)), sent(other, march(11)), sent(await books.installer(), march(12)))
        assert "waits for a price" in await window.open(f"{MARCH_PATH}/drafts")
        await window.send(f"{MARCH_PATH}/scope", installer_ids=[str(chosen)], reason="The rest waits for prices")
        for step in ("", "/held", "/preview", "/drafts"):
            page = await window.open(MARCH_PATH + step)
            assert ">Chosen<" in page or step == "/held"
            assert ">Other<" not in page
        await window.send(f"{MARCH_PATH}/drafts")
        assert await books.rows("SELECT account_id FROM invoices") == [(chosen,)]
        await window.send(f"{MARCH_PATH}/all-installers", reason="All are priced")
        assert ">Other<" in await window.open(f"{MARCH_PATH}/preview")
        told = "SELECT before -> 'installer_ids', after -> 'installer_ids', reason_text FROM audit_entries"
        audited = await books.rows(f"{told} WHERE action = 'choose_month_scope' ORDER BY id")
        assert audited == [
            (None, [str(chosen)], "The rest waits for prices"),
            ([str(chosen)], None, "All are priced"),
        ]

    async def test_its_numbers_lead_to_as_many_of_theirs(self, books: Books, window: Window) -> None:
        """Of what was issued without what is void, and without drafts; of all once the close is about all."""
        first, second, _draft = await ready_drafts(books, 3)
        for invoice_id in (first, second):
            await books.issue(invoice_id, stripe_invoice_id=(await books.invoice(invoice_id)).stripe_invoice_id)
        void = await books.issued_invoice()
        await void_whole(books, void.id)
        chosen = [str((await books.invoice(id_)).account_id) for id_ in (first, void.id)]
        for scope, whom, number in (("scope", {"installer_ids": chosen}, 1), ("all-installers", {}, 2)):
            form: dict[str, Any] = {"reason": "One of them", **whom}
            await window.send(f"{MARCH_PATH}/{scope}", **form)
            for step in ("issued", "reconcile", "snapshot"):
                page = unescape(await window.open(f"{MARCH_PATH}/{step}"))
                (door, *_) = re.findall(r'href="(/console/invoices[?][^"]*status=paid[^"]*)"', page)
                assert counted(number, "invoice<", "invoices<") in await window.open(door)

    async def test_nobody_unknown_is_chosen(self, window: Window) -> None:
        answer = await window.send(f"{MARCH_PATH}/scope", status=422, installer_ids=[str(UUID(int=9))])
        assert "there is no account" in answer.text

    async def test_it_is_not_an_editors_to_choose(self, books: Books, window: Window) -> None:
        installer_id = await books.priced_installer()
        await window.send(f"{MARCH_PATH}/scope", Role.EDITOR, status=403, installer_ids=[str(installer_id)])


class TestTicks:
    async def test_stand_beside_the_step_with_a_name_and_are_taken_back(self, books: Books, window: Window) -> None:
        tick: dict[str, Any] = {"step": "held", "is_done": "true", "note": "Looked at both lists"}
        await window.send(f"{MARCH_PATH}/marks", **tick)
        await window.send(f"{MARCH_PATH}/marks", **tick)
        page = await window.open(f"{MARCH_PATH}/preview")
        assert page.count("Ticked by") == 1
        page = await window.open(f"{MARCH_PATH}/held")
        assert "Looked at both lists" in page
        assert "Take the tick back" in page
        await window.send(f"{MARCH_PATH}/marks", step="held")
        page = await window.open(f"{MARCH_PATH}/held")
        assert "Ticked by" not in page
        assert page.index("Took the tick back") < page.index("Looked at both lists")
        actions = await books.rows("SELECT action, reason_text FROM audit_entries ORDER BY id")
        assert actions == [("mark_month_step", "Looked at both lists"), ("unmark_month_step", None)]

    async def test_are_told_as_json(self, desk: Desk) -> None:
        path = "/admin/billing/months/2026-03"
        told = await desk.do("POST", f"{path}/marks", {"step": "preview", "is_done": True})
        assert told == await desk.get(path)
        steps = {step["step"]: step["is_done"] for step in told["steps"]}
        assert list(steps) == list(CloseStep)
        assert [step for step, is_done in steps.items() if is_done] == ["preview"]
        await desk.do("POST", f"{path}/marks", {"step": "nothing", "is_done": True}, status=422)
        await desk.do("POST", f"{path}/marks", {"step": "held", "is_done": True}, status=403, role=Role.EDITOR)

    @pytest.mark.parametrize("table", ["month_marks", "month_scopes"])
    async def test_nothing_of_them_is_ever_changed(self, books: Books, desk: Desk, table: str) -> None:
        path = "/admin/billing/months/2026-03"
        await desk.do("POST", f"{path}/marks", {"step": "preview", "is_done": True})
        installer_id = str(await books.priced_installer())
        await desk.do("PUT", f"{path}/scope", {"installer_ids": [installer_id]})
        for change in (f"UPDATE {table} SET period = '2026-04'", f"DELETE FROM {table}"):
            assert await refused(books, change) == NOT_GRANTED
