"""The rooms of all services, as the one navigation lists them. A room is here once its service serves it."""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.identity import Capability


@dataclass(frozen=True, slots=True)
class Room:
    """`key` follows `g` on the keyboard; `capability` is None where being signed in is enough."""

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


GROUPS = (
    Group(
        "Dispatch",
        (
            Room(
                "exceptions",
                "Exceptions",
                "routing",
                "/console/exceptions?state=open",
                "triangle-alert",
                "e",
                Capability.READ_OPS,
            ),
        ),
    ),
    Group(
        "Billing",
        (
            Room(
                "deliveries",
                "Delivery events",
                "billing",
                "/console/delivery-events?status=billable&invoiced=no",
                "truck",
                "d",
                Capability.READ_OPS,
            ),
            Room(
                "held",
                "Held deliveries",
                "billing",
                "/console/held-deliveries?state=waits",
                "package-x",
                "g",
                Capability.READ_OPS,
            ),
            Room(
                "invoices",
                "Invoices",
                "billing",
                "/console/invoices?status=draft",
                "receipt",
                "i",
                Capability.READ_OPS,
            ),
            Room(
                "client-invoices",
                "Client invoices",
                "billing",
                "/console/client-invoices?status=draft",
                "file-text",
                "c",
                Capability.READ_OPS,
            ),
            Room("accounts", "Accounts", "billing", "/console/accounts", "building-2", "j", Capability.READ_OPS),
        ),
    ),
    Group(
        "System",
        (Room("design", "Design", "identity", "/admin/design", "columns-3", "w", None, is_local=True),),
    ),
)


def rooms() -> Iterator[Room]:
    for group in GROUPS:
        yield from group.rooms


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each service's pages are. One that has no address of its own is behind the same host as the caller."""

    by_service: dict[str, str]

    def url(self, service: str, path: str) -> str:
        return self.by_service.get(service, "").rstrip("/") + path

    @property
    def origins(self) -> list[str]:
        return sorted({address.rstrip("/") for address in self.by_service.values() if address})

    def is_ours(self, url: str) -> bool:
        """Whether a page may send the browser there: a path of a room's, or the same at a service's address."""
        if url.startswith("/"):
            return not url.startswith(("//", "/\\")) and "\\" not in url
        return any(url.startswith(origin + "/") for origin in self.origins)
