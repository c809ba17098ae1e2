"""Intake's rooms without a browser: what their lists find and tell, what their forms change, refuse and never keep."""

import re
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from chassis.http.auth import ACCESS_COOKIE
from chassis.ids import new_id
from contracts.identity import Capability, Role
from contracts.values import AustralianState, SelectedPath
from services.intake.commands.screening import set_aside
from services.intake.domain import CloseReason, LeadStatus
from tests.intake.desk import Desk
from tests.intake.reception import Reception
from tests.intake.rooms import seen_on
from tests.intake.samples import rows
from tests.intake.telling import BRIGHT, BRIGHTS_MAIL, take, tell_all
from tests.intake.telling import told as told_of
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import CSRF

HOUR = timedelta(hours=1)
ROW = re.compile(r'<th scope="row"><a href="[^"]*">([^<]*)</a>')


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def page(http: Desk, path: str, role: Role = Role.SUPER_ADMIN) -> str:
    answer = await http.client.get(path, headers={"Cookie": f"{ACCESS_COOKIE}={http.identity.token_of(role)}"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def send(http: Desk, path: str, role: Role = Role.SUPER_ADMIN, token: str = "", **fields: Any) -> httpx.Response:
    cookie = f"{ACCESS_COOKIE}={token or http.identity.token_of(role)}"
    return await http.client.post(path, data={"csrf": CSRF, **fields}, headers={"Cookie": cookie})


async def named(http: Desk, query: str, path: str = "/console/leads") -> set[str]:
    """The rows that a list shows."""
    return set(ROW.findall(await page(http, f"{path}?{query}")))


class TestLeads:
    async def arranged(self, reception: Reception) -> dict[str, UUID]:
        _, quotes = await reception.source("Solar Quotes")
        _, compare = await reception.source("Compare Power")
        mia = await reception.lead(quotes, ago=3 * HOUR, name="Mia Chen")
        await reception.move(mia, LeadStatus.EXCEPTION, ago=2 * HOUR, reason="no_eligible_installer")
        tom = await reception.lead(
            compare,
            name="Tom Reid",
            email="tom@reid.example",
            phone="+61298765432",
            suburb="Fremantle",
            state=AustralianState.WA,
            postcode="6160",
            selected_path=SelectedPath.RECOMMENDED_INSTALLER,
        )
        zoe = await reception.lead(compare, ago=72 * HOUR, name="Zoe Ng", phone="+61499111222")
        await reception.move(zoe, LeadStatus.DISPATCHING, LeadStatus.DELIVERED, ago=71 * HOUR)
        return {"Mia Chen": mia, "Tom Reid": tom, "Zoe Ng": zoe}

    async def test_are_found_by_what_people_know_of_them(self, http: Desk, reception: Reception) -> None:
        ids = await self.arranged(reception)
        (key,) = await rows(reception.database, "SELECT submission_key FROM leads WHERE name = 'Tom Reid'")
        found = {
            query: await named(http, f"q={query}")
            for query in ("tom+r", "REID.example", "02+9876", "fremant", "6160", str(ids["Tom Reid"]))
        }
        assert list(found.values()) == [{"Tom Reid"}] * len(found)
        assert await named(http, f"q={key['submission_key'][:30]}") >= {"Tom Reid"}
        assert await named(http, "q=%25") == set()

    async def test_are_narrowed_by_what_they_are(self, http: Desk, reception: Reception) -> None:
        ids = await self.arranged(reception)
        (source,) = await rows(reception.database, "SELECT id FROM lead_sources WHERE name = 'Compare Power'")
        found = {
            query: await named(http, query)
            for query in (
                "status=duplicate_review&status=exception&sort=received",
                "status=delivered",
                "path=recommended_installer",
                "in=WA",
                f"source_id={source['id']}",
                "source=power",
                "received_from=2026-03-03",
                "late=true",
            )
        }
        assert list(found.values()) == [
            {"Mia Chen"},
            {"Zoe Ng"},
            {"Tom Reid"},
            {"Tom Reid"},
            {"Tom Reid", "Zoe Ng"},
            {"Tom Reid", "Zoe Ng"},
            {"Mia Chen", "Tom Reid"},
            {"Mia Chen"},
        ]
        assert len(ids) == len(await named(http, ""))

    async def test_are_narrowed_by_what_billing_has_and_by_place_and_service(
        self, http: Desk, reception: Reception
    ) -> None:
        ids = await self.arranged(reception)
        await tell_all(reception.database, ids["Mia Chen"], dispatch_version=2)
        for query, wanted in (
            ("finance=billable", {"Mia Chen"}),
            ("finance=none&finance=held", {"Tom Reid", "Zoe Ng"}),
            ("suburb=FREMANTLE", {"Tom Reid"}),
            ("postcode=6160", {"Tom Reid"}),
            ("service=solar-battery", set(ids)),
            ("service=heat-pump", set()),
        ):
            assert await named(http, query) == wanted, query
        listed = await page(http, "/console/leads?finance=billable")
        assert '<span class="chip info">Billable</span>' in listed
        assert "among the newest 20,000" in await page(http, "/console/leads?q=mi")

    async def test_tell_which_limit_they_are_beyond(self, http: Desk, reception: Reception) -> None:
        ids = await self.arranged(reception)
        _, source = await reception.source("Old Quotes")
        ida = await reception.lead(source, ago=30 * HOUR, name="Ida Old")
        await reception.move(ida, LeadStatus.EXCEPTION, ago=HOUR / 2, reason="no_eligible_installer")
        mia, tom, zoe, ida_told = [
            await page(http, f"/console/leads?q={name}&columns=since&columns=received&columns=late&columns=beyond")
            for name in ("Mia", "Tom", "Zoe", "Ida")
        ]
        assert "2 h ago</time>, limit 1 h</td>" in mia
        assert "limit" not in re.sub("<form.*?</form>", "", tom + zoe, flags=re.DOTALL)
        # Its last step is young enough, the lead is not.
        assert "30 min ago</time></td>" in ida_told
        assert "1 day ago</time>, limit 1 day</td>" in ida_told
        assert ["<td>Yes</td>" in told for told in (mia, tom, zoe, ida_told)] == [True, False, False, True]
        assert "<td>1 h as exception</td>" in mia
        assert "<td>1 day since its receipt</td>" in ida_told
        assert await named(http, "late=true") == {"Mia Chen", "Ida Old"}
        assert "Late: 2 h, limit 1 h" in await page(http, f"/console/leads/{ids['Mia Chen']}")
        chips = set(re.findall("Late: [^<]*", await page(http, f"/console/leads/{ida}")))
        assert chips == {"Late: 1 day since its receipt, limit 1 day"}
        late = (await http.get("/admin/leads", late="true", sort="received"))["items"]
        assert [each["name"] for each in late] == ["Ida Old", "Mia Chen"]
        now = reception.clock.now()
        assert [datetime.fromisoformat(each["late_from"]) for each in late] == [now - 6 * HOUR, now - HOUR]

    async def test_can_be_ordered_by_how_long_they_are_what_they_are(self, http: Desk, reception: Reception) -> None:
        await self.arranged(reception)
        listed = ROW.findall(await page(http, "/console/leads?sort=since"))
        assert listed == ["Zoe Ng", "Mia Chen", "Tom Reid"]

    async def test_leave_only_with_a_fresh_second_factor_and_a_record_without_the_search(
        self, http: Desk, reception: Reception
    ) -> None:
        await self.arranged(reception)
        stale = http.identity.stale_headers()["Authorization"].removeprefix("Bearer ")
        refused = await send(http, "/console/leads/export", token=stale, query="q=Tom")
        assert refused.status_code == 403
        answer = await send(http, "/console/leads/export", query="q=Tom")
        path, asked = "/admin/lists/leads/export", {"query": "q=Tom"}
        refused = await http.client.post(path, json=asked, headers=http.identity.stale_headers())
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "step_up_required")
        as_program = await http.client.post(path, json=asked, headers=http.identity.headers())
        assert answer.status_code == as_program.status_code == 200
        assert answer.text == as_program.text
        assert "Tom Reid" in answer.text
        assert "Zoe Ng" not in answer.text
        entries = await rows(reception.database, "SELECT * FROM audit_entries WHERE action = 'export_list'")
        assert len(entries) == 2
        assert "Tom" not in str(entries)

    async def test_tell_their_consent_and_their_way(self, http: Desk, reception: Reception) -> None:
        ids = await self.arranged(reception)
        await reception.close(ids["Zoe Ng"], CloseReason.INVALID_LEAD, "the number is dead")
        told = await page(http, f"/console/leads/{ids['Zoe Ng']}")
        for part in (
            "I agree to be called about quotes.",
            "Received from",
            "203.0.113.9",
            "Agreed at, as the source says",
            "Not told by the source",
            "https://quotes.example/solar",
            "Invalid lead, after delivery",
            "delivered it",
            "Invalid lead: the number is dead",
            f"/console/desk/routing/about/lead/{ids['Zoe Ng']}",
            f"/console/desk/billing/about/lead/{ids['Zoe Ng']}",
            f"/console/desk/notifications/about/lead/{ids['Zoe Ng']}",
            "<strong>Close lead</strong>: it is closed",
        ):
            assert part in told

    async def test_tell_of_a_fault_of_ours_that_holds_one_up_and_of_nothing_else_while_it_is_taken_in(
        self, http: Desk, reception: Reception
    ) -> None:
        await http.submit(await http.new_source())
        (lead,) = await rows(reception.database, "SELECT id FROM leads")
        path = f"/console/leads/{lead['id']}"
        assert "a fault of ours" not in await page(http, path)
        async with reception.database.transaction() as session:
            await set_aside(session, lead["id"], KeyError("Mia"))
        shown = await page(http, path)
        assert "It could not be taken in: a fault of ours stopped it once" in shown
        assert "It is tried again by itself" in shown
        assert "KeyError" not in shown
        await http.screen()
        assert "a fault of ours" in await page(http, path)
        async with reception.database.transaction() as session:
            await session.execute(text("UPDATE screening_faults SET next_at = now()"))
        await http.screen()
        assert "a fault of ours" not in await page(http, path)

    async def test_tell_what_the_other_services_did_with_it(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key, ago=3 * HOUR)
        await tell_all(reception.database, lead_id)
        told = await page(http, f"/console/leads/{lead_id}")
        for part in (
            f'/console/assignments/{BRIGHT}">Bright Roofs</a>',
            "/console/invoices/",
            "WB-000031</a>",
            '<span class="chip positive">Paid</span>',
            '<span class="chip danger">Failed</span>',
            "$85.00</a>",
            "chose 2 of 9 installers",
            "brought it to Bright Roofs",
            "could not bring it to Sunny Side Solar",
            "Mailbox unknown, SMTP 550",
            "charged Bright Roofs $85.00 for it",
            "put it on WB-000031 of Bright Roofs",
            "was paid",
        ):
            assert part in told, part
        assert "chose who gets it" not in told
        assert "delivered it to Bright Roofs" not in told
        await take(reception.database, told_of("message.bounced", 2, message_id=BRIGHTS_MAIL, subject_id=BRIGHT))
        told = await page(http, f"/console/leads/{lead_id}")
        for part in (
            '<span class="chip danger">Bounced</span>',
            "brought it to Bright Roofs",
            "came back: Bright Roofs never got it",
            "No such mailbox, 5.1.1",
        ):
            assert part in told, part

    async def test_tell_over_http_what_their_page_tells(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key, ago=3 * HOUR, name="Mia <Chen>")
        await tell_all(reception.database, lead_id)
        body = {"name": "Mia Chen & Co", "reason_code": "person_told", "reason": "She rang"}
        await http.ask("POST", f"/admin/leads/{lead_id}/corrections", json=body)
        told = await http.get(f"/admin/leads/{lead_id}")
        sent, failed = sorted(told["assignments"], key=lambda each: each["installer_name"])
        assert (sent["status"], sent["finance"], sent["unit_price_cents"]) == ("sent", "billable", 8_500)
        assert (sent["cap_status"], sent["invoice_number"], sent["invoice_state"]) == ("counted", "WB-000031", "paid")
        assert (failed["status"], failed["finance"], failed["invoice_id"]) == ("failed", None, None)
        assert {(each["outcome"], each["standing"], each["smtp_status"]) for each in told["messages"]} == {
            ("accepted", "accepted", None),
            ("failed", "failed", 550),
        }
        assert [(each["chosen"], each["candidates"]) for each in told["decisions"]] == [(2, 9)]
        (correction,) = told["corrections"]
        assert (correction["before"], correction["note"]) == ({"name": "Mia <Chen>"}, "She rang")
        moments = await http.get(f"/admin/leads/{lead_id}/timeline")
        assert [each["at"] for each in moments] == sorted((each["at"] for each in moments), reverse=True)
        said = [f"{each['who']} {each['what']}" for each in moments]
        assert "WB-000031 was paid" in said
        assert said[-1] == "Solar Quotes handed it in"
        corrected = moments[said.index("Robin Field corrected the lead")]
        assert corrected["changes"] == [{"field": "Name", "before": "Mia <Chen>", "after": "Mia Chen & Co"}]
        page_ = await page(http, f"/console/leads/{lead_id}")
        assert page_.count('<time datetime="', page_.index('<ol class="timeline">')) == len(moments)
        missing = await http.ask("GET", f"/admin/leads/{new_id()}/timeline")
        assert missing.status_code == 404
        assert {each["bounced_at"] for each in told["messages"]} == {None}
        await take(reception.database, told_of("message.bounced", 2, message_id=BRIGHTS_MAIL, subject_id=BRIGHT))
        mails = (await http.get(f"/admin/leads/{lead_id}"))["messages"]
        (came_back,) = (each for each in mails if each["message_id"] == str(BRIGHTS_MAIL))
        assert (came_back["outcome"], came_back["standing"]) == ("accepted", "bounced")
        assert (came_back["bounce_status"], came_back["bounce_reason"]) == ("5.1.1", "no_such_mailbox")
        assert came_back["bounced_at"].startswith("2026-03-03T02:17:04")

    async def test_hand_out_the_evidence_of_consent_with_a_fresh_second_factor_and_a_record(
        self, http: Desk, reception: Reception
    ) -> None:
        _, key = await reception.source("Solar <b>Quotes")
        said: dict[str, Any] = {
            "consent_given_at": "2026-03-03T02:14:50+00:00",
            "consent_remote_address": "198.51.100.7",
        }
        lead_id = await reception.lead(key, consent_text="I <b>agree</b>.", **said)
        path = f"/console/leads/{lead_id}/consent-evidence"
        stale = http.identity.stale_headers()["Authorization"].removeprefix("Bearer ")
        assert (await send(http, path, token=stale)).status_code == 403
        answer = await send(http, path)
        again = await http.ask("GET", f"/admin/leads/{lead_id}/consent-evidence")
        (kept,) = await rows(reception.database, "SELECT encode(fingerprint, 'hex') AS hex, submission_key FROM leads")
        for each in (answer, again):
            assert each.status_code == 200, each.text
            assert each.headers["content-disposition"] == f'attachment; filename="consent-{lead_id}.html"'
            assert each.headers["content-type"].startswith("text/html")
            for part in (
                str(lead_id),
                "I &lt;b&gt;agree&lt;/b&gt;.",
                "Solar &lt;b&gt;Quotes",
                "https://quotes.example/solar",
                "Received from the network address",
                "203.0.113.9",
                "From the network address, as the source says",
                "198.51.100.7",
                "2026-03-03T13:14:50+11:00 Australia/Sydney (2026-03-03T02:14:50+00:00)",
                kept["hex"],
                kept["submission_key"],
                "2026-03-03T13:15:04+11:00 Australia/Sydney (2026-03-03T02:15:04+00:00)",
            ):
                assert part in each.text, part
        entries = await rows(reception.database, "SELECT action FROM audit_entries WHERE subject_kind = 'consent'")
        assert [entry["action"] for entry in entries] == ["export_consent"] * 2
        told = await page(http, f"/console/leads/{lead_id}")
        assert "exported the evidence of consent" in told
        assert "<code>198.51.100.7</code>" in told
        assert "Not told by the source" not in told

    async def test_are_closed_by_who_may_with_a_reason(self, http: Desk, reception: Reception) -> None:
        path = f"/console/leads/{(await self.arranged(reception))['Mia Chen']}/close"
        reader = http.identity.token([Capability.READ_OPS])
        assert (await send(http, path, token=reader, reason_code="withdrawn")).status_code == 403
        assert (await send(http, path)).status_code == 422
        answer = await send(http, path, role=Role.EDITOR, reason_code="withdrawn", reason="called us")
        assert (answer.status_code, answer.headers["location"]) == (303, path.removesuffix("/close") + "?done=close")
        (entry,) = await rows(
            reception.database, "SELECT reason_code, reason_text FROM audit_entries WHERE action = 'close_lead'"
        )
        assert entry == {"reason_code": "withdrawn", "reason_text": "called us"}

    async def test_many_are_closed_at_once_but_for_those_that_cannot_be(self, http: Desk, reception: Reception) -> None:
        ids = await self.arranged(reception)
        await reception.close(ids["Zoe Ng"], CloseReason.OTHER)
        mine = http.identity.token_of(Role.EDITOR)
        chosen = [str(id_) for id_ in ids.values()]
        begun = await send(http, "/console/leads/bulk", token=mine, action="close", ids=chosen)
        assert begun.status_code == 303, begun.text
        job = begun.headers["location"]
        told = await page(http, job)
        assert "It is closed" in told
        assert "Mia Chen" not in told
        done = await send(http, f"{job}/close", token=mine, reason_code="test_lead", reason="a rehearsal")
        assert done.status_code == 303, done.text
        closed = await rows(reception.database, "SELECT name, close_reason FROM leads ORDER BY name")
        assert [(each["name"], each["close_reason"]) for each in closed] == [
            ("Mia Chen", "test_lead"),
            ("Tom Reid", "test_lead"),
            ("Zoe Ng", "other"),
        ]


class TestLeadSources:
    async def test_a_key_is_in_one_answer_and_nowhere_else(self, http: Desk, reception: Reception) -> None:
        made = await send(http, "/console/lead-sources", name="Solar Quotes")
        source, _ = await reception.source("Compare Power")
        path = f"/console/lead-sources/{source.id}"
        assert (await send(http, f"{path}/rotate-key")).status_code == 409
        rotated = await send(http, f"{path}/rotate-key", seen=seen_on(await page(http, path)), reason="It leaked")
        for answer in (made, rotated):
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        keys = [re.findall(r"wbk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", answer.text) for answer in (made, rotated)]
        assert [len(each) for each in keys] == [1, 1]
        kept = [
            await page(http, f"/console/lead-sources/{source.id}"),
            str(await rows(reception.database, "SELECT * FROM audit_entries")),
            str(await rows(reception.database, "SELECT * FROM lead_source_keys")),
        ]
        secrets = [key[0].split("_", 2)[2] for key in keys]
        assert not [secret for secret in secrets if any(secret in each for each in kept)]
        assert (await http.submit(keys[1][0])).status_code == 202

    async def test_tell_how_much_they_hand_in(self, http: Desk, reception: Reception) -> None:
        source, key = await reception.source()
        await reception.lead(key, ago=8 * 24 * HOUR)
        await reception.lead(key, ago=2 * HOUR)
        listed = await page(http, "/console/lead-sources?state=active")
        assert f'<a href="/console/leads?source_id={source.id}">1</a>' in listed
        assert "It handed in 1 lead in the last 7 days." in await page(http, f"/console/lead-sources/{source.id}")

    async def test_revoked_one_can_do_nothing_more(self, http: Desk, reception: Reception) -> None:
        source, _ = await reception.source()
        path = f"/console/lead-sources/{source.id}"
        assert (await send(http, f"{path}/revoke", reason="sold its list")).status_code == 303
        told = await page(http, path)
        assert "<strong>Rotate key</strong>: it was revoked" in told
        assert "sold its list" in told
        assert (await send(http, f"{path}/rotate-key")).status_code == 409
        assert await named(http, "state=revoked", "/console/lead-sources") == {"Solar Quotes"}


class TestClients:
    FORM: ClassVar[dict[str, Any]] = {
        "name": "Wattle",
        "billing_name": "Accounts",
        "billing_email": "pay@wattle.example",
        "terms_days": "14",
    }

    async def test_what_is_emptied_is_empty_and_what_was_changed_meanwhile_is_not_overwritten(
        self, http: Desk, reception: Reception
    ) -> None:
        client = await reception.client()
        path = f"/console/clients/{client.id}"
        shown = await page(http, path)
        seen = re.search(r'name="seen" value="([^"]+)"', shown)
        assert seen is not None
        first = await send(http, f"{path}/edit", seen=seen[1], **self.FORM)
        assert (first.status_code, first.headers["location"]) == (303, f"{path}?done=edit")
        again = await send(http, f"{path}/edit", seen=seen[1], **(self.FORM | {"terms_days": "60"}))
        assert again.status_code == 409
        assert "changed it meanwhile" in again.text
        kept = await http.get(f"/admin/clients/{client.id}")
        assert (kept["name"], kept["abn"], kept["billing_address"], kept["terms_days"]) == ("Wattle", None, None, 14)

    async def test_are_found_by_an_abn_as_it_is_written(self, http: Desk, reception: Reception) -> None:
        await reception.client()
        await reception.client(name="Banksia", abn=None)
        assert await named(http, "q=51+824+753", "/console/clients") == {"Wattle Advisory Pty Ltd"}

    async def test_with_open_boards_are_told_with_what_those_are_worth(self, http: Desk, reception: Reception) -> None:
        client = await reception.client()
        await reception.client(name="Banksia")
        await reception.board(client, cents=100_050)
        await reception.board(client, cents=200_000)
        await reception.closed(await reception.board(client, cents=999_999))
        assert await named(http, "with_open_boards=true", "/console/clients") == {"Wattle Advisory Pty Ltd"}
        assert "$3,000.50" in await page(http, "/console/clients")


class TestBoards:
    async def test_are_opened_for_dollars_and_closed_by_who_deals_with_money(
        self, http: Desk, reception: Reception
    ) -> None:
        client = await reception.client()
        form: dict[str, Any] = {
            "client_id": str(client.id),
            "title": "Market entry",
            "contracted_amount_cents": "$12,500.50",
        }
        assert (await send(http, "/console/boards", role=Role.EDITOR, **form)).status_code == 403
        opened = await send(http, "/console/boards", **form)
        assert opened.status_code == 303
        path = opened.headers["location"]
        told = await page(http, path)
        assert "Drafts the invoice of $12,500.50 plus GST to Accounts Payable, due 30 days from its issue" in told
        stale = http.identity.stale_headers()["Authorization"].removeprefix("Bearer ")
        assert (await send(http, f"{path}/close", token=stale)).status_code == 403
        assert (await send(http, f"{path}/close")).status_code == 303
        assert "<strong>Close board</strong>: it is closed" in await page(http, path)

    @pytest.mark.parametrize("amount", ["0", "-5", "1.005", "a lot", "99999999999"])
    async def test_are_worth_an_amount(self, http: Desk, reception: Reception, amount: str) -> None:
        client = await reception.client()
        form: dict[str, Any] = {"client_id": str(client.id), "title": "Market entry", "contracted_amount_cents": amount}
        assert (await send(http, "/console/boards", **form)).status_code == 422

    async def test_are_summed_as_they_are_filtered(self, http: Desk, reception: Reception) -> None:
        client = await reception.client()
        await reception.board(client, "Pricing", 100_000)
        await reception.closed(await reception.board(client, "Supply", 900_000))
        listed = await page(http, "/console/boards?status=open")
        assert "$1,000.00</strong>" in listed
        assert await named(http, "q=suppl&contracted_min=9000", "/console/boards") == {"Supply"}
        assert await named(http, f"client_id={client.id}&closed_from=2026-03-01", "/console/boards") == {"Supply"}

    async def test_without_a_client_there_is_none_to_open(self, http: Desk) -> None:
        assert "there is no client yet: make one first" in await page(http, "/console/boards/new")


async def test_the_dormant_ndas_say_that_they_are(http: Desk) -> None:
    told = await page(http, "/console/ndas")
    assert "No NDA has been recorded" in told
    assert "The flow is dormant" in told
