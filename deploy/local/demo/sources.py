"""Of lead sources: one sends what is no lead, and too much; a key leaks; at the end a new one tries its form out."""

from typing import Any
from uuid import uuid4

from deploy.local.demo.equality import Equality
from deploy.local.demo.leads import CONSENT, SOURCES
from deploy.local.demo.stage import Stage

NEWCOMER = "Northern Lights Solar"
"""In test mode until its form is right."""
CARELESS = SOURCES[2]
LEAKY = SOURCES[1]
TESTS = 3
FAULTY: tuple[dict[str, Any], ...] = (
    {"phone": "12"},
    {"phone": "call after six"},
    {"email": "mia at home"},
    {"email": ""},
    {"service": "Solar & Battery"},
    {"selected_path": "cheapest"},
    {"name": " "},
    {"address": {"street": "12 Cadogan Street", "suburb": "Marrickville", "state": "VIC", "postcode": "2204"}},
    {"address": {"street": "12 Cadogan Street", "suburb": "Marrickville", "state": "NSW", "postcode": "9999"}},
    {"consent": {"text": "", "url": "quotes.example"}},
    {"utm_source": "search"},
    {"phone": "", "email": "mia"},
)
"""What is wrong with each of them, beside what is right."""
MOST_TRIES = 5


async def try_out(stage: Stage) -> None:
    """A source in test mode: its leads are checked and answered, and go to nobody."""
    source = await stage.dispatcher.post("intake", "/admin/lead-sources", {"name": NEWCOMER})
    mode = {"mode": "test", "reason": "Their form is new"}
    await stage.dispatcher.post("intake", f"/admin/lead-sources/{source['id']}/mode", mode)
    for _ in range(TESTS):
        answer = await _send(stage, source["api_key"], {})
        stage.tally.tests_answered += answer["status_code"] == 202 and answer["test"]
    stage.tell(f"{NEWCOMER} tries its form out: {stage.tally.tests_answered} test leads, none goes anywhere")


async def send_what_is_no_lead(stage: Stage) -> None:
    """Twelve with faults, then more in a minute than the source may: it is told when to come again."""
    source_id, api_key = await _id_of(stage, CARELESS), _key_of(stage, CARELESS)["api_key"]
    for wrong in FAULTY:
        stage.tally.faulty_refused += (await _send(stage, api_key, wrong))["status_code"] == 422
    path = f"/admin/lead-sources/{source_id}/rate"
    await stage.dispatcher.post("intake", path, {"rate_per_minute": 1, "reason": "Its form sends in a loop"})
    for _ in range(MOST_TRIES):
        answer = await _send(stage, api_key, FAULTY[0])
        stage.tally.faulty_refused += answer["status_code"] == 422
        if answer["status_code"] == 429:
            stage.tally.sent_back += 1
            break
    await stage.dispatcher.post("intake", path, {"rate_per_minute": None, "reason": "The loop is mended"})
    await stage.reader.until("refusals counted", lambda: _uncounted(stage))
    stage.tell(f"{CARELESS}: {stage.tally.faulty_refused} submissions with faults, {stage.tally.sent_back} sent back")


async def replace_a_key(stage: Stage) -> None:
    """Rotated; and the old one is revoked before its overlap is over, for it stood in a public page."""
    source_id, kept = await _id_of(stage, LEAKY), _key_of(stage, LEAKY)
    leaked = kept["api_key"]
    kept["api_key"] = (await stage.dispatcher.post("intake", f"/admin/lead-sources/{source_id}/rotate-key"))["api_key"]
    path = f"/admin/lead-sources/{source_id}/keys/{leaked.split('_')[1]}/revoke"
    await stage.dispatcher.post("intake", path, {"reason": "It stood in the source of a public page"})
    answer = await _send(stage, leaked, {})
    stage.tally.revoked_keys_refused += answer["status_code"] == 401
    stage.tell(f"the key of {LEAKY} leaked: rotated, and the old one revoked at once")


async def _id_of(stage: Stage, name: str) -> str:
    found = await stage.dispatcher.every("intake", "/admin/lead-sources")
    return next(str(source["id"]) for source in found if source["name"] == name)


def _key_of(stage: Stage, name: str) -> dict[str, str]:
    return next(source for source in stage.lead_sources if source["name"] == name)


async def _send(stage: Stage, api_key: str, wrong: dict[str, Any]) -> dict[str, Any]:
    body = {
        "client_submission_key": str(uuid4()),
        "selected_path": "compare_quotes",
        "service": "solar-battery",
        "name": "Mia Citizen",
        "email": "mia.citizen@example.com",
        "phone": "0491 570 006",
        "address": {"street": "12 Cadogan Street", "suburb": "Marrickville", "state": "NSW", "postcode": "2204"},
        "consent": CONSENT,
        **wrong,
    }
    answer = await stage.client.post(
        f"{stage.addresses.services['intake']}/leads", json=body, headers={"Authorization": f"Bearer {api_key}"}
    )
    return {**answer.json(), "status_code": answer.status_code}


async def _uncounted(stage: Stage) -> int:
    """A refusal is counted after it is answered."""
    counted = (
        "SELECT sum(number) FROM source_rejections WHERE field = '' AND code IN ('invalid_request', 'rate_limited')"
    )
    return stage.tally.faulty_refused + stage.tally.sent_back - await stage.reader.number("intake", counted)


async def equalities(stage: Stage) -> list[Equality]:
    number, tally = stage.reader.number, stage.tally
    counted = "SELECT sum(number) FROM source_rejections WHERE field = '' AND code = "
    of_tests = "SELECT count(*) FROM leads l JOIN lead_sources s ON s.id = l.source_id WHERE s.mode = 'test'"
    return [
        Equality(
            "test leads answered = test leads kept",
            tally.tests_answered,
            await number("intake", "SELECT count(*) FROM test_submissions"),
        ),
        Equality("leads of a source in test mode", await number("intake", of_tests), 0),
        Equality(
            "submissions refused for faults = counted",
            tally.faulty_refused,
            await number("intake", f"{counted}'invalid_request'"),
        ),
        Equality(
            "sent back as too fast = counted", tally.sent_back, await number("intake", f"{counted}'rate_limited'")
        ),
        Equality("sent back as too fast", tally.sent_back, 1),
        Equality("leads refused by a revoked key", tally.revoked_keys_refused, 1),
    ]
