"""The pure rules on one core: decisions with their records, the encoding of the same records alone, and simulations."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import count
from time import perf_counter
from typing import Any

from benchmarks.routing import installers, leads
from chassis.ids import new_id
from contracts.values import AustralianState
from services.routing.commands.installers import AddInstaller
from services.routing.domain.candidate import Candidate, Coverage, TerritoryKind, WindowCount
from services.routing.domain.decision import Request, carry_out, decide
from services.routing.domain.inputs import Inputs
from services.routing.domain.profile import told_territory
from services.routing.domain.record import record_of
from services.routing.domain.standing import Considered, Standing
from services.routing.domain.windows import Moment
from services.routing.simulating import lines

NOW = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)
CANDIDATES = 60


def profile_of(command: AddInstaller) -> dict[str, Any]:
    """As a row of installer_versions has it."""
    who = command.particulars
    return {
        "name": who.name,
        "email": who.email,
        "status": command.status,
        "services": list(who.services),
        "time_zone": who.time_zone,
        "limits": asdict(command.limits),
        "share_weight": None,
        "hours": None,
        "home_state": None,
        "keeps_public_holidays": False,
        "absences": [],
        "channel": "mail",
        "territory": told_territory(command.territory),
    }


def considered() -> list[Considered]:
    """As many as a lead of the demonstration's size meets, all of them covering it."""
    those = []
    for command in installers(CANDIDATES):
        who = Candidate.of_profile(command.installer_id, 1, profile_of(command))
        moment = Moment.at(NOW, who.time_zone)
        counts = {kind: WindowCount(window) for kind, window in moment.windows.items()}
        standing = Standing(who, NOW, moment, counts)
        those.append(Considered(standing, Coverage(TerritoryKind.STATE, AustralianState.NSW)))
    return those


def requests(number: int) -> list[Request]:
    return [
        Request(each.lead_id, each.service, each.location, each.selected_path.max_assignments, NOW)
        for each in leads(number)
    ]


def decided(number: int) -> dict[str, float]:
    """Decided, told, its inputs told, and carried out: all that a lead takes but the database."""
    those, wanted, turns = considered(), requests(number), count(1)
    started = perf_counter()
    for request in wanted:
        inputs = Inputs(request, those)
        decision = decide(*inputs)
        record_of(decision)
        inputs.to_text()
        carry_out(decision, turns)
    return {"decisions/s": number / (perf_counter() - started)}


def encoded(number: int) -> dict[str, float]:
    """The record of one of them as `json.dumps` writes it, again and again."""
    record = json.loads(record_of(decide(requests(1)[0], considered())))
    started = perf_counter()
    for _ in range(number):
        json.dumps(record, separators=(",", ":"))
    return {"decisions/s": number / (perf_counter() - started)}


def simulated(number: int, installers_count: int) -> dict[str, float]:
    """Both runs over leads of 30 days, as the child runs them, the JSON of it all included."""
    commands = installers(installers_count)
    step = timedelta(days=30) / number
    arrivals = [
        [
            str(new_id()),
            each.service,
            each.location.state,
            each.location.postcode,
            each.selected_path.product_type,
            each.selected_path.max_assignments,
            (NOW + place * step).isoformat(),
            [],
            [],
        ]
        for place, each in enumerate(leads(number))
    ]
    world = {
        "profiles": [[str(each.installer_id), 1, profile_of(each)] for each in commands],
        "arrivals": arrivals,
        "policy": {"most_owed_leads": 3, "backlog_per_hour": 5, "same_person_days": 90},
        "on_hold": [],
        "holidays": {},
    }
    request = json.dumps({"world": world, "draft": {"days": 30, "everyone": {"caps_percent": 70}}, "prices": []})
    started = perf_counter()
    for line in lines(json.loads(request)):
        json.dumps(line)
    return {"seconds": perf_counter() - started}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", choices=("decided", "encoded", "simulated"), required=True)
    parser.add_argument("--leads", type=int, required=True)
    parser.add_argument("--installers", type=int, default=500)
    options = parser.parse_args()
    sides: dict[str, Callable[[], dict[str, float]]] = {
        "decided": lambda: decided(options.leads),
        "encoded": lambda: encoded(options.leads),
        "simulated": lambda: simulated(options.leads, options.installers),
    }
    print(json.dumps(sides[options.side]()))
