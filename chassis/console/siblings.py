"""Rooms that every service has a part of: what of them is here, and the way to the same room of the others."""

from dataclasses import dataclass

DESKS = "/console/desk"
"""Under it and its name each service serves its share of what spans them all."""


@dataclass(frozen=True, slots=True)
class SharedRoom:
    """`page` is the last part of its path at each service."""

    page: str

    def path(self, service: str) -> str:
        return f"{DESKS}/{service}/{self.page}"


ACTIVITY = SharedRoom("activity")
PARKED_EVENTS = SharedRoom("parked-events")
