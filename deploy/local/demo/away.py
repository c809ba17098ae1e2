"""Act one and a half: an installer is on holiday while leads come in, comes back, and is not flooded."""

from datetime import timedelta
from itertools import cycle, groupby, islice
from typing import Any

from deploy.local.demo import leads
from deploy.local.demo.equality import Equality
from deploy.local.demo.people import PLACES
from deploy.local.demo.stage import Stage, at

ON_HOLIDAY = "Hunter Home Power"
PAUSED = "Darling Downs Solar"
BIGGER_SHARE = "Harbour Electrical"
LEAVE_DAYS, LEADS_AFTERWARDS = 6, 24
MOST_IN_A_ROW = 4
"""What an installer may be owed at the most, and the lead that is its own besides."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


async def send_away(stage: Stage) -> None:
    """A holiday with its end, a pause without one, hours, a share, somebody to call, and what is to be kept in mind."""
    ends = at(stage.now().date() + timedelta(days=LEAVE_DAYS), 18)
    holiday = {"kind": "holiday", "ends_at": ends.isoformat(), "reason": "Crew on leave"}
    await _for(stage, ON_HOLIDAY, "post", "absences", holiday)
    await _for(stage, PAUSED, "post", "absences", {"kind": "pause", "reason": "Between two crews"})
    every_day = [{"weekday": day, "opens": "06:00", "closes": "22:00"} for day in WEEKDAYS]
    await _for(stage, BIGGER_SHARE, "put", "hours", {"hours": every_day, "home_state": "NSW", "reason": "By phone"})
    await _for(stage, BIGGER_SHARE, "put", "share", {"weight": 120, "reason": "A second crew"})
    person = {"name": "Thuy Nguyen", "role": "dispatch", "phone": "0491 570 156"}
    await _for(stage, BIGGER_SHARE, "post", "contacts", person)
    await _for(stage, BIGGER_SHARE, "post", "notes", {"text": "Prefers to be called before noon."})
    stage.tell(f"{ON_HOLIDAY} is on holiday for {LEAVE_DAYS} days, {PAUSED} pauses until it is ended by hand")


async def come_back(stage: Stage) -> None:
    """The holiday ends by itself and the pause by hand; then leads come in where the installer works, one by one."""
    tomorrow = stage.now().date() + timedelta(days=1)
    stage.move_to(max(at(tomorrow, 10), (await _holiday_ends(stage)).astimezone(stage.now().tzinfo)))
    (pause,) = await stage.dispatcher.get("routing", f"/admin/installers/{stage.installers[PAUSED]}/absences")
    await _for(stage, PAUSED, "post", f"absences/{pause['id']}/end", {"reason": "The new crew is here"})
    places = [place for place in PLACES if place.state == "NSW"]
    await leads.take_one_by_one(stage, list(islice(cycle(places), LEADS_AFTERWARDS)))
    await leads.watch_delivery(stage)
    run = (await _longest_runs(stage)).get(stage.installers[ON_HOLIDAY], 0)
    stage.tell(f"{ON_HOLIDAY} came back: of the leads since then at most {run} in a row went to it")


async def _for(stage: Stage, name: str, method: str, deed: str, body: dict[str, Any]) -> Any:
    call = getattr(stage.dispatcher, method)
    return await call("routing", f"/admin/installers/{stage.installers[name]}/{deed}", body)


async def equalities(stage: Stage) -> list[Equality]:
    while_away = await stage.reader.number(
        "routing",
        """SELECT count(*) FROM assignments a JOIN installer_absences b ON b.installer_id = a.installer_id
           WHERE a.created_at >= b.starts_at AND a.created_at < least(b.ends_at, b.ended_at)""",
    )
    too_long = sum(run > MOST_IN_A_ROW for run in (await _longest_runs(stage)).values())
    return [
        Equality("leads given to whoever was away", while_away, 0),
        Equality("runs of leads longer than anybody is owed", too_long, 0),
    ]


async def _longest_runs(stage: Stage) -> dict[str, int]:
    """By installer, the most exclusive leads of NSW in a row since the holiday ended."""
    given = await stage.reader.rows(
        "routing",
        """SELECT a.installer_id::text FROM assignments a JOIN dispatches d ON d.lead_id = a.lead_id
           WHERE d.state = 'NSW' AND a.selected_path = 'recommended_installer' AND a.created_at >= $1
           ORDER BY a.created_at, a.id""",
        await _holiday_ends(stage),
    )
    longest: dict[str, int] = {}
    for id_, run in groupby(row[0] for row in given):
        longest[id_] = max(longest.get(id_, 0), len(list(run)))
    return longest


async def _holiday_ends(stage: Stage) -> Any:
    (row,) = await stage.reader.rows("routing", "SELECT max(ends_at) FROM installer_absences WHERE kind = 'holiday'")
    return row[0]
