"""Runs one simulation: world, draft and prices as JSON on stdin, what came of it as lines of JSON on stdout.

A process of its own (`simulations.py` starts it), so that no request waits behind some hundred thousand verdicts. It
imports the rules and no more.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO
from uuid import UUID

from services.routing.domain.comparing import Comparison, Moved, Side
from services.routing.domain.simulating import World

NICENESS = 10
EACH = 250
"""Leads after which it is told how far it is."""


def lines(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`progress` in leads, `moved` per lead that goes elsewhere, at last `totals`."""
    control = World.of(request["world"])
    prices = {(UUID(id_), product): cents for id_, product, cents in request["prices"]}
    comparison = Comparison(control, control.drafted(request["draft"]), prices)
    for moved in comparison.moved():
        if moved is not None:
            yield {"moved": _told(moved)}
        if comparison.leads % EACH == 0:
            yield {"progress": comparison.leads}
    yield {"totals": {**comparison.totals(), "left_off": request.get("left_off", 0)}}


def _told(moved: Moved) -> dict[str, Any]:
    arrival = moved.arrival
    return {
        "lead_id": str(arrival.lead_id),
        "service": arrival.service,
        "place": f"{arrival.location.postcode} {arrival.location.state}",
        "received_at": arrival.received_at.isoformat(),
        **_side("before", moved.before),
        **_side("after", moved.after),
        "unpriced": moved.before.unpriced + moved.after.unpriced,
    }


def _side(name: str, side: Side) -> dict[str, Any]:
    return {
        name: sorted(map(str, side.chosen)),
        f"{name}_cents": side.cents,
        f"{name}_entitled_ppm": side.entitled_ppm,
        f"{name}_at_cap": side.at_cap,
        f"{name}_cap_percent": side.cap_percent,
    }


def run(source: TextIO, target: TextIO) -> None:
    for line in lines(json.load(source)):
        target.write(json.dumps(line, separators=(",", ":")) + "\n")
        if "moved" not in line:
            target.flush()


if __name__ == "__main__":
    os.nice(NICENESS)
    run(sys.stdin, sys.stdout)
