"""How installers get their leads, over HTTP: channels, secrets, tests, breakers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.identity import Role
from services.routing.domain.states import BreakerState
from tests.kit.identity import TestIdentity
from tests.kit.webhook_sink import answers, webhook_sink
from tests.routing.arrangements import NOW, Floor, lead
from tests.routing.desk import UNKNOWN, Desk, answering, code_of, faults
from tests.routing.webhooks import KEYS, sending, strict_gateway

WHY = {"reason": "They asked for it"}
WEBHOOK = {"channel": "webhook", "url": "https://leads.example/waybill?token=1", **WHY}


@pytest.fixture
async def desk(floor: Floor, identity: TestIdentity) -> AsyncIterator[Desk]:
    async with answering(floor.database, identity, floor.clock, strict_gateway()) as desk:
        yield desk


def path(installer_id: UUID | str, deed: str = "") -> str:
    return f"/admin/installers/{installer_id}/delivery{deed}"


class TestSetDelivery:
    async def test_shows_the_secret_of_a_new_webhook_once(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        answer = await desk.ask("PUT", path(installer_id), WEBHOOK)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert told["secret"] == KEYS.told(installer_id, 1)
        assert (told["channel"], told["endpoints"][1]["url"]) == ("webhook", WEBHOOK["url"])
        again = await desk.do("PUT", path(installer_id), WEBHOOK)
        assert again == told | {"secret": None}
        assert "secret" not in await desk.get(path(installer_id))

    async def test_keeps_no_secret(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        told = await desk.do("PUT", path(installer_id), WEBHOOK)
        for table in ("delivery_endpoints", "audit_entries", "installer_versions", "outbox"):
            assert told["secret"] not in str(await floor.rows(f"SELECT * FROM {table}"))

    async def test_is_published_and_kept_once(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        for _ in range(2):
            await desk.do("PUT", path(installer_id), WEBHOOK)
        assert len(await floor.events("installer.changed")) == 2
        assert (await floor.audited()).count("set_channel") == 1
        rows = await floor.rows("SELECT profile FROM installer_versions ORDER BY version DESC LIMIT 1")
        assert rows[0]["profile"]["channel"] == "webhook"

    async def test_gives_the_next_lead_the_channel_and_leaves_the_last_one_its_own(
        self, desk: Desk, floor: Floor
    ) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead())
        await desk.do("PUT", path(installer_id), WEBHOOK)
        await floor.dispatch(lead())
        await desk.do("PUT", path(installer_id), {"channel": "mail", **WHY})
        await floor.dispatch(lead())
        assert [made.channel for made in await floor.assignments()] == ["mail", "webhook", "mail"]
        told = await desk.get(path(installer_id))
        assert told["on_their_way"] == {"mail": 2, "webhook": 1}

    async def test_goes_back_to_the_webhook_that_was_without_an_address(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        await desk.do("PUT", path(installer_id), WEBHOOK)
        await desk.do("PUT", path(installer_id), {"channel": "mail", **WHY})
        told = await desk.do("PUT", path(installer_id), {"channel": "webhook", **WHY})
        assert (told["endpoints"][1]["url"], told["secret"]) == (WEBHOOK["url"], None)

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://leads.example/", "not_https"),
            ("https://leads.example:8080/", "port"),
            ("https://inside.example/", "private_address"),
            ("https://nowhere.example/", "unresolvable"),
            ("https://user:pass@leads.example/", "not_a_url"),
            (None, "not_a_url"),
        ],
    )
    async def test_refuses_an_address_by_name(self, desk: Desk, floor: Floor, url: str | None, why: str) -> None:
        installer_id = await floor.installer()
        body: dict[str, Any] = {"channel": "webhook", "url": url, **WHY}
        answer = await desk.ask("PUT", path(installer_id), body)
        assert (answer.status_code, code_of(answer), answer.json()["why"]) == (409, "endpoint_refused", why)
        assert (await desk.get(path(installer_id)))["channel"] == "mail"

    async def test_takes_no_address_for_mail(self, desk: Desk, floor: Floor) -> None:
        answer = await desk.ask("PUT", path(await floor.installer()), WEBHOOK | {"channel": "mail"})
        assert set(faults(answer).values()) == {"url_not_wanted"}

    async def test_forgets_test_and_breaker_with_another_address(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        opened: dict[str, Any] = {
            "breaker": BreakerState.OPEN,
            "failures_in_row": 5,
            "opened_at": NOW,
            "probe_at": NOW,
            "opens": 1,
        }
        await floor.endpoint(installer_id, tested_at=NOW, **opened)
        told = await desk.do("PUT", path(installer_id), WEBHOOK)
        webhook = told["endpoints"][1]
        assert (webhook["breaker"], webhook["tested_at"], webhook["failures_in_row"]) == ("closed", None, 0)

    async def test_needs_a_fresh_second_factor(self, desk: Desk, floor: Floor, identity: TestIdentity) -> None:
        installer_id = await floor.installer()
        for method, deed in (("PUT", ""), ("POST", "/rotate-secret")):
            stale = await desk.client.request(
                method, path(installer_id, deed), json=WEBHOOK, headers=identity.stale_headers(Role.EDITOR)
            )
            assert (stale.status_code, code_of(stale)) == (403, "step_up_required")

    async def test_is_refused_by_name_where_nothing_can_be_signed(self, floor: Floor, identity: TestIdentity) -> None:
        installer_id = await floor.installer()
        async with answering(floor.database, identity, floor.clock, strict_gateway(None)) as desk:
            answer = await desk.ask("PUT", path(installer_id), WEBHOOK)
            assert (answer.status_code, code_of(answer)) == (409, "webhooks_not_set_up")
            await desk.do("PUT", path(installer_id), {"channel": "mail", **WHY})

    async def test_of_nobody_is_not_found(self, desk: Desk) -> None:
        for method, deed in (("GET", ""), ("PUT", ""), ("POST", "/rotate-secret"), ("POST", "/test")):
            body = {"PUT": WEBHOOK, "POST": WHY}.get(method)
            answer = await desk.ask(method, path(UNKNOWN, deed), body)
            assert (answer.status_code, code_of(answer)) == (404, "no_such_installer")


class TestRotateSecret:
    async def test_shows_the_new_one_and_keeps_the_former_for_a_day(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        await desk.do("PUT", path(installer_id), WEBHOOK)
        told = await desk.do("POST", path(installer_id, "/rotate-secret"), WHY)
        assert told["secret"] == KEYS.told(installer_id, 2)
        webhook = told["endpoints"][1]
        assert webhook["previous_secret_until"] == (NOW + timedelta(days=1)).isoformat().replace("+00:00", "Z")
        assert "rotate_webhook_secret" in await floor.audited()

    async def test_needs_a_webhook(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        for deed in ("/rotate-secret", "/test"):
            answer = await desk.ask("POST", path(installer_id, deed), WHY)
            assert (answer.status_code, code_of(answer)) == (409, "no_webhook")
        assert (await desk.get(path(installer_id)))["available_actions"] == ["set_channel"]


class TestReasons:
    """Who lets leads out another way, or makes another secret, says why."""

    async def test_are_required_of_a_channel_and_of_a_secret(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        for method, deed, body in (("PUT", "", {"channel": "mail"}), ("POST", "/rotate-secret", {})):
            answer = await desk.ask(method, path(installer_id, deed), body)
            assert faults(answer) == {"reason": "missing"}

    async def test_stand_in_the_audit_with_what_was_done(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        await desk.do("PUT", path(installer_id), WEBHOOK)
        await desk.do("POST", path(installer_id, "/rotate-secret"), {"reason": "It was in a mail"})
        tests = [
            (await desk.ask("POST", path(installer_id, "/test"), body)).json()["id"]
            for body in ({"reason": "After the rotation"}, None)
        ]
        rows = await floor.rows(
            """SELECT action, after ->> 'test_id' AS test_id, after ->> 'url' AS url, reason_text, actor_name
               FROM audit_entries WHERE request_id IS NOT NULL AND subject_id = :id ORDER BY id""",
            id=str(installer_id),
        )
        assert [(row["action"], row["reason_text"], row["test_id"]) for row in rows] == [
            ("set_channel", "They asked for it", None),
            ("rotate_webhook_secret", "It was in a mail", None),
            ("test_webhook", "After the rotation", tests[0]),
            ("test_webhook", None, tests[1]),
        ]
        assert {row["url"] for row in rows[2:]} == {WEBHOOK["url"]}


class TestTestDelivery:
    @pytest.mark.parametrize(("status", "outcome"), [(200, "accepted"), (404, "refused"), (410, "gone")])
    async def test_is_sent_by_a_worker_and_told(self, desk: Desk, floor: Floor, status: int, outcome: str) -> None:
        async with webhook_sink() as sink, sending(floor, sink) as webhooks:
            installer_id = await webhooks.installer()
            sink.answers = [answers(status)]
            asked = await desk.ask("POST", path(installer_id, "/test"))
            assert (asked.status_code, asked.json()["outcome"]) == (202, None)
            await webhooks.send()
            told = await desk.get(path(installer_id))
            [received] = sink.received
        assert received.headers["webhook-id"] == told["last_test"]["id"]
        assert b'"type":"webhook.test"' in received.body
        assert (told["last_test"]["outcome"], told["last_test"]["http_status"]) == (outcome, status)
        webhook = told["endpoints"][1]
        assert (webhook["tested_at"] is not None) == (outcome == "accepted")
        assert (told["channel"], webhook["breaker"], webhook["failures_in_row"]) == ("webhook", "closed", 0)
        assert await floor.events("assignment.sent") == []


class TestCloseBreaker:
    async def test_lets_deliveries_through_again(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        opened: dict[str, Any] = {
            "breaker": BreakerState.OPEN,
            "failures_in_row": 5,
            "opened_at": NOW,
            "probe_at": NOW,
            "opens": 2,
        }
        await floor.endpoint(installer_id, **opened)
        body = {"channel": "webhook", "reason": "Their server is up again"}
        assert "close_breaker" in (await desk.get(path(installer_id)))["available_actions"]
        told = await desk.do("POST", path(installer_id, "/close-breaker"), body)
        assert told["endpoints"][1]["breaker"] == "closed"
        again = await desk.ask("POST", path(installer_id, "/close-breaker"), body)
        assert (again.status_code, code_of(again)) == (409, "breaker_not_open")
        [row] = await floor.rows("SELECT before, after, reason_text FROM audit_entries WHERE action = 'close_breaker'")
        assert row["before"] == {"webhook_breaker": "open"}
        assert row["reason_text"] == "Their server is up again"


class TestMail:
    async def test_opens_its_breaker_after_three_permanent_failures(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        for _ in range(3):
            await floor.dispatch(arrived := lead())
            [made] = await floor.assignments(arrived.lead_id)
            await floor.refuse_mail(made.id)
            await floor.refuse_mail(made.id)
        [mail] = (await desk.get(path(installer_id)))["endpoints"]
        assert (mail["breaker"], mail["failures_in_row"]) == ("open", 3)
        assert mail["probe_at"] == (NOW + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")

    async def test_closes_it_with_a_mail_that_was_taken(self, desk: Desk, floor: Floor) -> None:
        installer_id = await floor.installer()
        for _ in range(2):
            await floor.dispatch(arrived := lead())
            [made] = await floor.assignments(arrived.lead_id)
            await floor.refuse_mail(made.id)
        await floor.dispatch(arrived := lead())
        [made] = await floor.assignments(arrived.lead_id)
        await floor.deliver(made.id)
        [mail] = (await desk.get(path(installer_id)))["endpoints"]
        assert (mail["failures_in_row"], mail["last_accepted_at"]) == (0, NOW.isoformat().replace("+00:00", "Z"))
        rows = await floor.rows("SELECT channel, what, reason_code, status FROM delivery_log ORDER BY id")
        assert [tuple(row.values()) for row in rows] == [
            ("mail", "failed", "recipient_refused", 550),
            ("mail", "failed", "recipient_refused", 550),
            ("mail", "accepted", None, None),
        ]
