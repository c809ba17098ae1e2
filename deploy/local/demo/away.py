"""Act one and a half: an installer is on holiday while leads come in, comes back, and is not flooded."""

import asyncio
from itertools import cycle, islice
from typing import Any

from deploy.local.demo import leads
from deploy.local.demo.books_routing import longest_run
from deploy.local.demo.people import PLACES, SERVICES
from deploy.local.demo.stage import Stage, at

ON_HOLIDAY = "Hunter Home Power"
PAUSED = "Darling Downs Solar"
BIGGER_SHARE = "Harbour Electrical"
LEADS_AFTERWARDS = 24
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LAST_DAY, BACK = 9, 10
"""Of the month: the days of the holiday's end and of the leads that come afterwards."""


async def send_away(stage: Stage) -> None:
    """A holiday with its end, a pause without one, hours, a share, somebody to call, and what is to be kept in mind."""
    today = stage.now().date()
    holiday = {"kind": "holiday", "ends_at": at(today.replace(day=LAST_DAY), 18).isoformat(), "reason": "Crew on leave"}
    await _for(stage, ON_HOLIDAY, "post", "absences", holiday)
    await _for(stage, PAUSED, "post", "absences", {"kind": "pause", "reason": "Between two crews"})
    every_day = [{"weekday": day, "opens": "06:00", "closes": "22:00"} for day in WEEKDAYS]
    await _for(stage, BIGGER_SHARE, "put", "hours", {"hours": every_day, "home_state": "NSW", "reason": "By phone"})
    await _for(stage, BIGGER_SHARE, "put", "share", {"weight": 120, "reason": "A second crew"})
    await _for(
        stage, BIGGER_SHARE, "post", "contacts", {"name": "Thuy Nguyen", "role": "dispatch", "phone": "0491 570 156"}
    )
    await _for(stage, BIGGER_SHARE, "post", "notes", {"text": "Prefers to be called before noon."})
    stage.tell(f"{ON_HOLIDAY} is on holiday until day {LAST_DAY}, {PAUSED} pauses until it is ended by hand")


async def _for(stage: Stage, name: str, method: str, deed: str, body: dict[str, Any]) -> Any:
    call = getattr(stage.dispatcher, method)
    return await call("routing", f"/admin/installers/{stage.installers[name]}/{deed}", body)


async def come_back(stage: Stage) -> None:
    """The holiday ends by itself and the pause by hand; then leads come in where the installer works, one by one."""
    day = stage.now().date().replace(day=BACK)
    stage.move_to(at(day, 10))
    (pause,) = await stage.dispatcher.get("routing", f"/admin/installers/{stage.installers[PAUSED]}/absences")
    await _for(stage, PAUSED, "post", f"absences/{pause['id']}/end", {"reason": "The new crew is here"})
    places = [place for place in PLACES if place.state == "NSW"]
    bodies = [
        leads.body_of(stage.crowd.person(place), "recommended_installer", SERVICES[number % len(SERVICES)])
        for number, place in enumerate(islice(cycle(places), LEADS_AFTERWARDS))
    ]
    await _take(stage, bodies)
    await leads.watch_delivery(stage)
    run = await longest_run(stage, ON_HOLIDAY)
    stage.tell(f"{ON_HOLIDAY} came back: of {LEADS_AFTERWARDS} leads at most {run} in a row went to it")


async def _take(stage: Stage, bodies: list[dict[str, Any]]) -> None:
    """One after the other; a twentieth of all that were ever taken in is sent twice."""
    gate = asyncio.Semaphore(1)
    answers = [await leads.submit(stage, number, body, gate) for number, body in enumerate(bodies)]
    stage.tally.leads_accepted += len({answer["id"] for answer in answers})
    for number in range(stage.tally.leads_accepted // 20 - stage.tally.replays_answered):
        again = await leads.submit(stage, number, bodies[number], gate)
        stage.tally.replays_answered += again["replayed"] and again["id"] == answers[number]["id"]
