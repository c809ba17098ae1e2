"""Act one: installers are set up, leads come in, dispatch gives them out, every mail that is accepted is billed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from deploy.local.demo.people import INSTALLERS, OUT_OF_REACH, PLACES, SERVICES, Person, Place, abn_of
from deploy.local.demo.stage import LEADS, Stage, at, first_of_next_month

SOURCES = ("Solar Compare", "Home Energy Guide", "Switch and Save")
UNPRICED = "Capital and Island Energy"
"""Its prices come late: its deliveries are held, seen, and priced at their own instant once there is a plan."""
UNREACHABLE = "Bellarine Solar"
"""Its mail server refuses the first leads: they become exceptions, which an operator gives to somebody else."""
SMALL_CAP = "Goldfields Electrical"
CONSENT = {
    "text": "I agree to be contacted by up to three installers about my enquiry.",
    "url": "https://quotes.example/consent",
}
UNDER_WAY = ("received", "routable", "dispatching")
AT_ONCE = 24
DAYS, MORE_DAYS, MORE_LEADS = 12, 5, 130
WAY_SECONDS = 240
"""How long all of them may be on their way, on a machine with other work."""


async def open_shop(stage: Stage) -> None:
    """Sources, installers with their territories and caps, and prices for all but one."""
    first = first_of_next_month(stage.now().date())
    stage.move_to(at(first.replace(day=3), 9))
    for name in SOURCES:
        source = await stage.dispatcher.post("intake", "/admin/lead-sources", {"name": name})
        stage.lead_sources.append({"name": name, "api_key": source["api_key"]})
    for number, (name, state) in enumerate(INSTALLERS):
        stage.installers[name] = await _installer(stage, number, name, state)
    await stage.reader.until("installers known to billing", lambda: _missing_accounts(stage))
    for number, name in enumerate(stage.installers):
        if name != UNPRICED:
            await set_prices(stage, name, 9_500 + 250 * number, 4_200 + 100 * number)
    stage.tell(
        f"{len(SOURCES)} lead sources and {len(INSTALLERS)} installers in {len({s for _, s in INSTALLERS})} states"
    )


async def _installer(stage: Stage, number: int, name: str, state: str) -> str:
    mailbox = name.lower().replace(" ", "-")
    created = await stage.finance.post(
        "routing",
        "/admin/installers",
        {
            "name": name,
            "abn": abn_of(104_000_000 + number * 1_337),
            "gst_registered": True,
            "email": f"leads@{mailbox}.example",
            "billing_email": f"accounts@{mailbox}.example",
            "billing_address": f"{number + 1} Trade Street, {state}",
            "services": list(SERVICES),
            "caps": {"month": 6 if name == SMALL_CAP else 900},
            "territory": {"states": ["ACT", "TAS"] if state == "ACT" else [state]},
        },
    )
    installer_id: str = created["id"]
    return installer_id


async def _missing_accounts(stage: Stage) -> int:
    return len(stage.installers) - await stage.reader.number(
        "billing", "SELECT count(*) FROM accounts WHERE kind = 'installer'"
    )


async def set_prices(stage: Stage, name: str, exclusive_cents: int, shared_cents: int) -> None:
    """From the first of the running month, so that it covers what was delivered since."""
    await stage.finance.post(
        "billing",
        f"/admin/installers/{stage.installers[name]}/price-plans",
        {
            "effective_from": at(stage.now().date().replace(day=1), 0).isoformat(),
            "exclusive_price_cents": exclusive_cents,
            "shared_price_cents": shared_cents,
            "reason": "As agreed when it joined",
        },
    )


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed in so far, with what was answered, in one order."""

    submissions: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)


async def take_first_leads(stage: Stage) -> Handed:
    """The first morning's, from all sources at once. Nobody waits for what becomes of them."""
    await stage.reader.order_mail_fault(
        action="refuse",
        recipient=f"leads@{UNREACHABLE.lower().replace(' ', '-')}.example",
        # Not that there is no such mailbox: nobody would be mailed there again.
        answer="552 5.2.2 Mailbox full",
        times=2,
    )
    handed = Handed()
    await _take_a_morning(stage, handed, _shares(LEADS, DAYS)[0])
    return handed


async def take_leads(stage: Stage, handed: Handed) -> None:
    """Morning after morning; some are sent twice, one key is used for other content."""
    for number_of_day in _shares(LEADS, DAYS)[1:]:
        await stage.reader.until("leads on their way", lambda: _under_way(stage), WAY_SECONDS)
        stage.move_to(at(stage.now().date() + timedelta(days=1), 9))
        await _take_a_morning(stage, handed, number_of_day)
    await _send_some_again(stage, handed)
    stage.tell(f"{stage.tally.leads_accepted} leads taken in, {stage.tally.replays_answered} repeats answered alike")


async def _take_a_morning(stage: Stage, handed: Handed, number: int) -> None:
    first = len(handed.submissions)
    morning = [_submission(stage, first + each) for each in range(number)]
    handed.answers.extend(await _hand_in(stage, first, morning))
    handed.submissions.extend(morning)


async def begin_the_next_month(stage: Stage) -> None:
    """The work goes on: the running month has its leads, its deliveries that are not billed yet, and its queue."""
    begun = stage.tally.leads_accepted
    for number_of_day in _shares(MORE_LEADS, MORE_DAYS):
        stage.move_to(at(stage.now().date() + timedelta(days=1), 9))
        await _hand_in(stage, begun, [_submission(stage, begun + number) for number in range(number_of_day)])
        await stage.reader.until("leads on their way", lambda: _under_way(stage), WAY_SECONDS)
    stage.tell(f"{stage.tally.leads_accepted - begun} leads more in the running month, to be billed when it is over")


def _shares(leads: int, days: int) -> list[int]:
    """Of each day: more of them on some than on others, as it is."""
    weights = [3 + day * 5 % 7 for day in range(days)]
    shares = [leads * weight // sum(weights) for weight in weights]
    return [*shares[:-1], leads - sum(shares[:-1])]


async def _hand_in(stage: Stage, first: int, submissions: Sequence[dict[str, Any]]) -> list[Any]:
    gate = asyncio.Semaphore(AT_ONCE)
    answers = await asyncio.gather(
        *(submit(stage, first + number, body, gate) for number, body in enumerate(submissions))
    )
    stage.tally.leads_accepted += len({answer["id"] for answer in answers})
    return answers


def _submission(stage: Stage, number: int) -> dict[str, Any]:
    person = stage.crowd.person(OUT_OF_REACH if number % 55 == 54 else PLACES[number % len(PLACES)])
    path = "recommended_installer" if stage.crowd.chance() < 0.4 else "compare_quotes"
    return _body(person, path, stage.crowd.choice(SERVICES))


def _body(person: Person, selected_path: str, service: str) -> dict[str, Any]:
    return {
        "client_submission_key": str(uuid4()),
        "selected_path": selected_path,
        "service": service,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "address": {
            "street": person.street,
            "suburb": person.place.suburb,
            "state": person.place.state,
            "postcode": person.place.postcode,
        },
        "consent": CONSENT,
    }


async def submit(stage: Stage, number: int, body: dict[str, Any], gate: asyncio.Semaphore) -> Any:
    api_key = stage.lead_sources[number % len(SOURCES)]["api_key"]
    async with gate:
        answer = await stage.client.post(
            f"{stage.addresses.services['intake']}/leads", json=body, headers={"Authorization": f"Bearer {api_key}"}
        )
    if answer.status_code == 409:
        return {"id": None, "conflict": True}
    answer.raise_for_status()
    return {**answer.json(), "replayed": answer.headers.get("Idempotent-Replayed") == "true"}


async def _send_some_again(stage: Stage, handed: Handed) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    for number in range(0, LEADS, 20):
        again = await submit(stage, number, handed.submissions[number], gate)
        if again["replayed"] and again["id"] == handed.answers[number]["id"]:
            stage.tally.replays_answered += 1
    other = {**handed.submissions[0], "name": "Somebody Else"}
    stage.tally.conflicts_refused += (await submit(stage, 0, other, gate)).get("conflict", False)


async def until_settled(stage: Stage) -> None:
    """Until every lead is delivered or is an operator's to decide."""
    await stage.reader.until("leads on their way", lambda: _under_way(stage), WAY_SECONDS)


async def watch_delivery(stage: Stage) -> None:
    """Until every lead is delivered or is an operator's to decide, and every delivery is in billing's ledger."""
    await stage.reader.until("leads on their way", lambda: _under_way(stage), WAY_SECONDS)
    sent = await stage.reader.number("routing", SENT)
    waiting = await stage.reader.number("routing", "SELECT count(*) FROM dispatch_exceptions WHERE resolved_at IS NULL")
    stage.tell(f"{sent} assignments delivered by mail or webhook; {waiting} leads wait in the exception queue")


SENT = "SELECT count(*) FROM assignments WHERE sent_at IS NOT NULL"
"""What was returned had been sent, and stands in the ledger."""
LET_IN = "SELECT count(*) FROM lead_status_changes WHERE to_status = 'routable'"


async def _under_way(stage: Stage) -> dict[str, int]:
    number = stage.reader.number
    sent = await number("routing", SENT)
    ledger = await number("billing", "SELECT count(*) FROM delivery_events")
    held = await number("billing", "SELECT count(*) FROM held_deliveries WHERE released_at IS NULL")
    missing = {
        "leads": await number("intake", "SELECT count(*) FROM leads WHERE status = ANY($1)", UNDER_WAY),
        "dispatches": await number("intake", LET_IN) - await number("routing", "SELECT count(*) FROM dispatches"),
        "assignments": await number("routing", "SELECT count(*) FROM assignments WHERE status = 'pending'"),
        "deliveries": sent - ledger - held,
        "events": await stage.reader.events_under_way(),
    }
    return {name: count for name, count in missing.items() if count}


async def price_what_is_held(stage: Stage) -> None:
    """The late plan covers what was delivered before it: each is priced at its own instant."""
    held = await stage.reader.number("billing", "SELECT count(*) FROM held_deliveries WHERE released_at IS NULL")
    await set_prices(stage, UNPRICED, 12_000, 5_400)
    await stage.reader.until("held deliveries", lambda: _still_held(stage))
    stage.tell(f"{held} deliveries of {UNPRICED} had no price; its plan released them")


async def _still_held(stage: Stage) -> int:
    return await stage.reader.number("billing", "SELECT count(*) FROM held_deliveries WHERE released_at IS NULL")


async def release_a_cap(stage: Stage) -> None:
    """One delivery stops counting against its cap; what it costs stays."""
    (assignment, *_) = (await stage.dispatcher.get("routing", "/admin/assignments", status="sent", limit=1))["items"]
    await stage.dispatcher.post(
        "routing", f"/admin/assignments/{assignment['id']}/release-cap", {"reason_code": "invalid_lead"}
    )
    await stage.reader.until("the released cap at billing", lambda: _caps_to_come(stage))
    stage.tell("one cap released for an invalid lead; the money is untouched")


async def _caps_to_come(stage: Stage) -> int:
    here = await stage.reader.number("routing", "SELECT count(*) FROM assignments WHERE cap_state = 'released'")
    return here - await stage.reader.number(
        "billing", "SELECT count(*) FROM delivery_events WHERE cap_status = 'released'"
    )


async def take_one_by_one(stage: Stage, places: Sequence[Place]) -> None:
    """An exclusive lead from each of the places, handed in once the one before is answered."""
    gate = asyncio.Semaphore(1)
    for number, place in enumerate(places):
        body = _body(stage.crowd.person(place), "recommended_installer", SERVICES[number % len(SERVICES)])
        answer = await submit(stage, number, body, gate)
        stage.tally.leads_accepted += answer["id"] is not None
