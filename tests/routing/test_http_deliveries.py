"""What became of deliveries, over HTTP: an assignment's log and tries, and the channels of all installers."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.routing.domain.states import BreakerState, Channel
from tests.kit.webhook_sink import answers
from tests.routing.arrangements import NOW, Floor, lead
from tests.routing.desk import UNKNOWN, Desk, code_of
from tests.routing.webhooks import Webhooks

CHANNELS = "/admin/delivery-channels"


class TestAnAssignments:
    async def test_webhook_is_told_by_its_log_and_tries(self, webhooks: Webhooks, desk: Desk) -> None:
        webhooks.sink.answers = [answers(503), answers(200)]
        await webhooks.installer()
        assignment_id = await webhooks.given()
        path = f"/admin/assignments/{assignment_id}/deliveries"
        before = await desk.get(path)
        assert (before["channel"], before["state"], before["log"], before["tries"]) == ("webhook", None, [], [])
        await webhooks.send()
        failed = await desk.get(path)
        assert (failed["state"], failed["next_try_at"]) == ("waiting", told(NOW + timedelta(seconds=10)))
        webhooks.floor.clock.advance(timedelta(seconds=10))
        await webhooks.send()
        done = await desk.get(path)
        assert (done["state"], done["next_try_at"]) == ("accepted", None)
        assert [(step["what"], step["reason_code"], step["status"]) for step in done["log"]] == await webhooks.log(
            assignment_id
        )
        assert done["log"][0]["at"] == told(NOW)
        tries = [(each["attempt_no"], each["http_status"], each["finished_at"]) for each in done["tries"]]
        assert tries == [(1, 503, told(NOW)), (2, 200, told(NOW + timedelta(seconds=10)))]

    async def test_mail_has_a_log_alone(self, floor: Floor, desk: Desk) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.refuse_mail(made.id)
        seen = await desk.get(f"/admin/assignments/{made.id}/deliveries")
        assert (seen["channel"], seen["state"], seen["tries"]) == ("mail", None, [])
        assert seen["log"] == [
            {
                "at": told(NOW),
                "channel": "mail",
                "what": "failed",
                "reason_code": "recipient_refused",
                "status": 550,
                "enhanced_status": None,
            }
        ]

    async def test_are_of_none_that_there_is_not(self, desk: Desk) -> None:
        answer = await desk.ask("GET", f"/admin/assignments/{UNKNOWN}/deliveries")
        assert (answer.status_code, code_of(answer)) == (404, "no_such_assignment")


def told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture
async def three(floor: Floor) -> Floor:
    """By webhook, whose breaker is open; by webhook, half open, but not used any more; and by mail."""
    held = {"failures_in_row": 5, "opened_at": NOW, "probe_at": NOW + timedelta(minutes=5), "opens": 2}
    for name, breaker in (("Western", BreakerState.OPEN), ("Southern", BreakerState.HALF_OPEN)):
        installer_id = await floor.installer(name=name, email=f"leads@{name.lower()}.example")
        url = f"https://hooks.{name.lower()}.example:8443/in?token=secret"
        await floor.endpoint(installer_id, url, breaker=breaker, **held)
        if breaker is BreakerState.OPEN:
            await floor.changed(installer_id, channel=Channel.WEBHOOK)
    await floor.installer(name="Northern")
    return floor


class TestChannels:
    async def test_tell_how_each_goes_and_of_an_address_its_host(self, three: Floor, desk: Desk) -> None:
        [western] = await desk.items(CHANNELS, breaker="open")
        [installer] = await three.rows("SELECT id FROM installers WHERE name = 'Western'")
        assert western == {
            "installer_id": str(installer["id"]),
            "installer_name": "Western",
            "channel": "webhook",
            "host": "hooks.western.example:8443",
            "is_used": True,
            "breaker": "open",
            "failures_in_row": 5,
            "opens": 2,
            "opened_at": told(NOW),
            "probe_at": told(NOW + timedelta(minutes=5)),
            "last_accepted_at": None,
            "tested_at": None,
            "on_their_way": 0,
        }

    @pytest.mark.parametrize(
        ("narrowed", "found"),
        [
            ({"holds_back": True}, {"Southern webhook", "Western webhook"}),
            ({"holds_back": False}, {"Northern mail", "Southern mail", "Western mail"}),
            ({"breaker": "half_open"}, {"Southern webhook"}),
            ({"is_used": True}, {"Northern mail", "Southern mail", "Western webhook"}),
            ({"channel": "webhook", "is_used": False}, {"Southern webhook"}),
        ],
    )
    async def test_are_narrowed(self, three: Floor, desk: Desk, narrowed: dict[str, Any], found: set[str]) -> None:
        seen = await desk.items(CHANNELS, **narrowed)
        assert {f"{each['installer_name']} {each['channel']}" for each in seen} == found

    async def test_are_of_one_installer_or_paged(self, three: Floor, desk: Desk) -> None:
        first = await desk.get(CHANNELS, limit=3)
        second = await desk.get(CHANNELS, limit=3, cursor=first["next"])
        both = [(each["installer_name"], each["channel"]) for each in first["items"] + second["items"]]
        assert (len(set(both)), second["next"]) == (5, None)
        own = await desk.items(CHANNELS, installer_id=first["items"][0]["installer_id"])
        assert {each["installer_name"] for each in own} == {first["items"][0]["installer_name"]}

    async def test_count_what_is_on_its_way(self, floor: Floor, desk: Desk) -> None:
        await floor.installer()
        await floor.dispatch(lead(), lead())
        assert [each["on_their_way"] for each in await desk.items(CHANNELS)] == [2]
