"""The rooms of all services, as the one navigation lists them. A room is here once its service serves it."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.console.siblings import ACTIVITY, DESKS, PARKED_EVENTS
from contracts.identity import Capability


@dataclass(frozen=True, slots=True)
class Room:
    """`key` follows `g` on the keyboard; `capability` is None where being signed in is enough.

    Keys are one letter, and two where letters run out; none begins another. Of these letters each means one thing:
    h home; l leads, b boards, c clients; e exceptions, a assignments, n installers, d delivery events; i invoices,
    j accounts and journal, m month close, r receivables; x experts, p payouts; t tickets, s e-mail health;
    o operators, y activity; k parked events, w design. `f`, `g`, `q`, `u`, `v` and `z` are free.
    """

    name: str
    title: str
    service: str
    path: str
    icon: str
    key: str
    capability: Capability | None
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    rooms: tuple[Room, ...]


OPS, ROUTING = Capability.READ_OPS, Capability.WRITE_ROUTING
MONEY, ACCESS = Capability.MANAGE_BILLING_OPS, Capability.MANAGE_ADMIN_ACCESS

PARKED = f"{PARKED_EVENTS.path('routing')}?state=parked"

GROUPS = (
    Group("Today", (Room("home", "Home", "identity", "/console", "house", "h", None),)),
    Group("Leads", ()),
    Group(
        "Dispatch",
        (Room("exceptions", "Exceptions", "routing", "/console/exceptions?state=open", "triangle-alert", "e", OPS),),
    ),
    Group("Billing", ()),
    Group("Boards", ()),
    Group("Payouts", ()),
    Group("Mail", ()),
    Group(
        "Team",
        (
            Room("operators", "Operators", "identity", "/console/operators", "users", "o", ACCESS),
            Room("activity", "Activity", "identity", ACTIVITY.path("identity"), "history", "y", OPS),
        ),
    ),
    Group(
        "Mail",
        (
            Room(
                "tickets",
                "Tickets",
                "notifications",
                "/console/tickets?state=open&sort=since",
                "ticket",
                "t",
                Capability.READ_OPS,
            ),
            Room(
                "messages",
                "Messages",
                "notifications",
                "/console/messages?attention=undelivered&attention=unknown",
                "mail",
                "z",
                Capability.READ_OPS,
            ),
            Room(
                "email-health",
                "Email health",
                "notifications",
                "/console/email-health",
                "mail-warning",
                "s",
                Capability.READ_OPS,
            ),
            Room(
                "suppressions",
                "Suppressions",
                "notifications",
                "/console/suppressions?state=in_force",
                "ban",
                "g",
                Capability.READ_OPS,
            ),
        ),
    ),
    Group(
        "System",
        (
            Room("parked-events", "Parked events", "routing", PARKED, "package-x", "k", OPS),
            Room("design", "Design", "identity", "/admin/design", "columns-3", "w", None, True),
        ),
    ),
)

SERVICE_TITLES = {
    "intake": "Leads and boards",
    "routing": "Dispatch",
    "billing": "Billing",
    "payouts": "Payouts",
    "notifications": "Mail",
    "identity": "Team",
}
"""What each is called on the pages, in the order of the day's work."""


def rooms() -> Iterator[Room]:
    for group in GROUPS:
        yield from group.rooms


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each service's pages are. One that has no address of its own is behind the same host as the caller."""

    by_service: dict[str, str]

    def url(self, service: str, path: str) -> str:
        return self.by_service.get(service, "").rstrip("/") + path

    def desk(self, service: str, page: str) -> str:
        """Of `search`, `today` and `waiting`."""
        return self.url(service, f"{DESKS}/{service}/{page}")

    @property
    def origins(self) -> list[str]:
        return sorted({address.rstrip("/") for address in self.by_service.values() if address})

    def is_ours(self, url: str) -> bool:
        """Whether a page may send the browser there: a path of a room's, or the same at a service's address."""
        if url.startswith("/"):
            return not url.startswith(("//", "/\\")) and "\\" not in url
        return any(url.startswith(origin + "/") for origin in self.origins)
