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

    def path_of(self, service: str, id_: object) -> str:
        """Of one thing in it."""
        return f"{self.path(service)}/{id_}"


ACTIVITY = SharedRoom("activity")
BULK_ACTIONS = SharedRoom("bulk-actions")
BULK_ROWS = SharedRoom("bulk-rows")
PARKED_EVENTS = SharedRoom("parked-events")
