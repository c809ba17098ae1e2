"""The pages of lead sources without a browser: what they tell, what their forms change, refuse and never keep."""

import re
from datetime import timedelta
from typing import Any

import pytest

from chassis.clock import FixedClock
from contracts.identity import Capability, Role
from services.intake.commands.rejections import Rejection
from services.intake.commands.source_keys import rotate_key
from services.intake.domain import CloseReason, LeadStatus
from services.intake.rejections import RejectionCounter
from tests.intake.desk import Desk, faults
from tests.intake.reception import Reception
from tests.intake.samples import NOW, OPERATOR, rows
from tests.intake.telling import take, told
from tests.intake.test_pages import named, page, send
from tests.kit.databases import RolledBackDatabase

SOURCES = "/console/lead-sources"
SEEN = re.compile(r'name="seen" value="([^"]+)"')


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


def bars(told: str, title: str) -> dict[str, str]:
    """What a chart tells, by the label of each bar."""
    chart = told.partition(f"<figcaption><h3>{title}</h3>")[2].partition("<details")[0]
    return dict(re.findall(r"<span>([^<]+)</span>.*?<span class=\"number\">([^<]+)</span>", chart, re.DOTALL))


async def seen_of(http: Desk, path: str) -> str:
    found = SEEN.search(await page(http, path))
    assert found is not None
    return found[1]


async def latest_entry(reception: Reception) -> tuple[str, str | None]:
    told = "SELECT action, reason_text FROM audit_entries ORDER BY occurred_at DESC, id DESC LIMIT 1"
    (entry,) = await rows(reception.database, told)
    return entry["action"], entry["reason_text"]


class TestDeeds:
    @pytest.mark.parametrize(
        ("deed", "fields", "action"),
        [
            ("rename", {"name": "Solar Compare"}, "rename_lead_source"),
            ("mode", {"mode": "test"}, "set_lead_source_mode"),
            ("rate", {"rate_per_minute": "90"}, "set_lead_source_rate"),
        ],
    )
    async def test_change_a_source_with_a_reason_and_not_over_what_was_changed_meanwhile(
        self, http: Desk, reception: Reception, deed: str, fields: dict[str, str], action: str
    ) -> None:
        source, _ = await reception.source()
        path = f"{SOURCES}/{source.id}"
        seen = await seen_of(http, path)
        reader = http.identity.token([Capability.READ_OPS])
        form: dict[str, Any] = {"reason": "They asked for it", "seen": seen, **fields}
        assert (await send(http, f"{path}/{deed}", token=reader, **form)).status_code == 403
        answer = await send(http, f"{path}/{deed}", Role.EDITOR, **form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done={deed}")
        assert await latest_entry(reception) == (action, "They asked for it")
        again = await send(http, f"{path}/{deed}", Role.EDITOR, **form)
        assert again.status_code == 409
        assert "changed it meanwhile" in again.text

    async def test_say_what_came_of_them(self, http: Desk, reception: Reception) -> None:
        source, key = await reception.source()
        path = f"{SOURCES}/{source.id}"
        told = await page(http, path)
        assert "Switch to test mode" in told
        assert "1,200 leads a minute, the standard" in told
        await send(http, f"{path}/mode", mode="test", reason="a new form", seen=await seen_of(http, path))
        told = await page(http, f"{path}?done=mode")
        for part in ("It is in test mode: nothing comes of its leads", "Go live", "Test mode", "a new form"):
            assert part in told
        await send(http, f"{path}/rate", rate_per_minute="90", reason="slow", seen=await seen_of(http, path))
        assert "90 leads a minute" in await page(http, path)
        await send(http, f"{path}/rate", reason="as before", seen=await seen_of(http, path))
        assert "1,200 leads a minute, the standard" in await page(http, path)
        assert key.source_id == source.id

    @pytest.mark.parametrize("rate", ["0", "-5", "1000001", "a lot", "1.5"])
    async def test_refuse_what_is_no_rate(self, http: Desk, reception: Reception, rate: str) -> None:
        source, _ = await reception.source()
        path = f"{SOURCES}/{source.id}"
        form: dict[str, Any] = {"rate_per_minute": rate, "reason": "x", "seen": await seen_of(http, path)}
        assert (await send(http, f"{path}/rate", **form)).status_code == 422

    async def test_end_one_key_and_leave_the_other(self, http: Desk, reception: Reception) -> None:
        source, key = await reception.source()
        path = f"{SOURCES}/{source.id}"
        async with reception.database.transaction() as session:
            await rotate_key(session, source.id, timedelta(hours=24), OPERATOR, NOW)
        assert "The others work on." in await page(http, path)
        form: dict[str, Any] = {"prefix": key.key.prefix, "reason": "It stood in a public page"}
        assert (await send(http, f"{path}/revoke-key", prefix=key.key.prefix)).status_code == 422
        answer = await send(http, f"{path}/revoke-key", Role.EDITOR, **form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=revoke-key")
        told = await page(http, f"{path}?done=revoke-key")
        for part in ("That key does not work any more", "It stood in a public page", "It is the only one"):
            assert part in told
        assert f'value="{key.key.prefix}"' not in told
        assert (await send(http, f"{path}/revoke-key", prefix="nosuchkey123", reason="x")).status_code == 404

    async def test_are_told_with_why_not(self, http: Desk, reception: Reception) -> None:
        source, key = await reception.source()
        path = f"{SOURCES}/{source.id}"
        await send(http, f"{path}/revoke-key", prefix=key.key.prefix, reason="it leaked")
        assert "<strong>Revoke a key</strong>: no key of it works" in await page(http, path)
        await send(http, f"{path}/revoke", reason="sold its list")
        told = await page(http, path)
        for deed in ("Switch to test mode", "Set rate", "Rotate key", "Revoke a key", "Revoke source"):
            assert f"<strong>{deed}</strong>: it was revoked" in told
        assert "<strong>Rename</strong>" not in told

    async def test_are_impossible_for_who_only_reads_who_is_told_who_can(
        self, http: Desk, reception: Reception
    ) -> None:
        source, _ = await reception.source()
        cookie = f"waybill_access={http.identity.token([Capability.READ_OPS])}"
        answer = await http.client.get(f"{SOURCES}/{source.id}", headers={"Cookie": cookie})
        assert answer.text.count("Your role lacks write_routing. ") == 6
        assert f'action="{SOURCES}' not in answer.text


class TestMakingOne:
    async def test_says_why_where_somebody_did(self, http: Desk, reception: Reception) -> None:
        assert 'name="reason"' in await page(http, f"{SOURCES}/new")
        assert (await send(http, SOURCES, name="Solar Quotes", reason=" A new partner ")).status_code == 200
        assert await latest_entry(reception) == ("create_lead_source", "A new partner")
        assert (await send(http, SOURCES, name="Solar Compare", reason="")).status_code == 200
        assert await latest_entry(reception) == ("create_lead_source", None)

    async def test_says_why_over_http(self, http: Desk, reception: Reception) -> None:
        body = {"name": "Solar Quotes", "reason": "x" * 4001}
        assert faults(await http.ask("POST", "/admin/lead-sources", json=body)) == {"reason": "string_too_long"}
        body["reason"] = "A new partner\n"
        assert (await http.ask("POST", "/admin/lead-sources", json=body)).status_code == 201
        assert await latest_entry(reception) == ("create_lead_source", "A new partner")


class TestWhatTheyTell:
    async def test_of_keys_when_each_was_used(self, http: Desk, reception: Reception, clock: FixedClock) -> None:
        api_key = await http.new_source()
        await http.submit(api_key)
        clock.advance(timedelta(hours=3))
        (source,) = (await http.get("/admin/lead-sources"))["items"]
        (key,) = source["keys"]
        assert (key["last_used_at"], key["is_working"]) == ("2026-03-03T02:15:04Z", True)
        assert "3 h ago" in await page(http, f"{SOURCES}/{source['id']}")

    async def test_of_tests_what_was_answered(self, http: Desk) -> None:
        api_key = await http.new_source()
        await http.submit(api_key, test=True)
        await http.submit(api_key, test=True, phone="12")
        (source,) = (await http.get("/admin/lead-sources"))["items"]
        told = await page(http, f"{SOURCES}/{source['id']}")
        for part in ("Taken", "Refused: 422", "phone: phone_invalid", "form-7731", "It handed in 0 leads"):
            assert part in told

    async def test_in_the_list_mode_rate_and_share(self, http: Desk, reception: Reception) -> None:
        source, key = await reception.source()
        await reception.source("Compare Power")
        await reception.lead(key)
        counter = RejectionCounter(reception.database)
        hour = NOW.replace(minute=0, second=0)
        counter.add([Rejection(source.id, hour, "invalid_request")] * 3)
        counter.add([Rejection(source.id, hour, "phone_invalid", "phone")] * 3)
        counter.add([Rejection(source.id, hour, "rate_limited")] * 9)
        await counter.write()
        path = f"{SOURCES}/{source.id}"
        await send(http, f"{path}/mode", mode="test", reason="a new form", seen=await seen_of(http, path))
        listed = await page(http, SOURCES)
        assert f'<a href="{path}/quality">25.0 %</a>' in listed
        assert "Standard" in listed
        assert await named(http, "mode=test", SOURCES) == {"Solar Quotes"}
        assert await named(http, "mode=live", SOURCES) == {"Compare Power"}

    async def test_in_the_spec_the_same_as_the_json(self, http: Desk) -> None:
        await http.new_source()
        (source,) = (await http.get("/admin/lead-sources"))["items"]
        spec = await http.get(f"/admin/lead-sources/{source['id']}/spec")
        told = await page(http, f"{SOURCES}/{source['id']}/spec")
        for field in spec["fields"]:
            assert f"<code>{field['name']}</code>" in told
        for fault in spec["faults"]:
            assert f"<code>{fault['code']}</code>" in told
            assert fault["meaning"] in told
        for part in (spec["submit"], spec["spec"], "1,200 a minute", "65,536 bytes"):
            assert part in told

    @pytest.mark.parametrize(("days", "unit"), [("7", "By day"), ("30", "By day"), ("90", "By week")])
    async def test_of_quality_in_days_and_weeks_with_doors(
        self, http: Desk, reception: Reception, days: str, unit: str
    ) -> None:
        source, key = await reception.source()
        lead = await reception.lead(key, name="Mia Chen")
        await reception.move(lead, LeadStatus.DISPATCHING, LeadStatus.DELIVERED)
        told = await page(http, f"{SOURCES}/{source.id}/quality?days={days}")
        for part in (unit, f"In {days} days 1 lead was accepted and 0 requests were refused.", "100.0 %"):
            assert part in told
        door = re.search(r'href="(/console/leads\?[^"]*status=delivered&amp;turned_out=delivered)"', told)
        assert door is not None
        assert await named(http, door[1].partition("?")[2].replace("&amp;", "&")) == {"Mia Chen"}

    async def test_of_quality_over_time_what_came_twice_what_came_back_and_each_code(
        self, http: Desk, reception: Reception
    ) -> None:
        source, key = await reception.source()
        twice = await reception.lead(key, ago=timedelta(days=1))
        await reception.close(twice, CloseReason.DUPLICATE)
        back = await reception.lead(key, ago=timedelta(days=2))
        await take(reception.database, told("assignment.returned", 3, lead_id=back))
        counter = RejectionCounter(reception.database)
        counter.add([Rejection(source.id, NOW.replace(minute=0, second=0), "phone_invalid", "phone")] * 3)
        counter.add([Rejection(source.id, NOW.replace(minute=0, second=0), f"code_{no}", "email") for no in range(6)])
        await counter.write()
        seen = await page(http, f"{SOURCES}/{source.id}/quality?days=7")
        assert bars(seen, "Duplicates of other leads") == {"Tue 3 Mar": "0", "Mon 2 Mar": "1", "Sun 1 Mar": "0"}
        assert bars(seen, "Returned by installers") == {"Tue 3 Mar": "0", "Mon 2 Mar": "0", "Sun 1 Mar": "1"}
        assert bars(seen, "phone: phone_invalid") == {"Tue 3 Mar": "3", "Mon 2 Mar": "0", "Sun 1 Mar": "0"}
        assert "The 6 most frequent of 7: all are counted below." in seen
        weeks = bars(await page(http, f"{SOURCES}/{source.id}/quality?days=90"), "phone: phone_invalid")
        assert weeks == {"2 Mar to 3 Mar": "3", "23 Feb to 1 Mar": "0"}

    async def test_of_a_source_that_is_new_nothing(self, http: Desk, reception: Reception) -> None:
        source, _ = await reception.source()
        told = await page(http, f"{SOURCES}/{source.id}/quality")
        for part in ("Nothing was refused.", "No fault was found.", "Nothing came in.", "Nothing to count yet."):
            assert part in told

    @pytest.mark.parametrize("days", ["31", "0", "x"])
    async def test_refuse_days_that_are_not_offered(self, http: Desk, reception: Reception, days: str) -> None:
        source, _ = await reception.source()
        answer = await http.client.get(
            f"{SOURCES}/{source.id}/quality?days={days}",
            headers={"Cookie": f"waybill_access={http.identity.token_of(Role.ADMIN)}"},
        )
        assert answer.status_code == 422
