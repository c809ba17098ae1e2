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
        "Leads",
        (
            Room(
                "leads",
                "Leads",
                "intake",
                "/console/leads?status=duplicate_review&status=exception&sort=received",
                "contact",
                "l",
                Capability.READ_OPS,
            ),
            Room(
                "lead-sources",
                "Lead sources",
                "intake",
                "/console/lead-sources?state=active",
                "key-round",
                "v",
                Capability.READ_OPS,
            ),
        ),
    ),
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
        "Boards",
        (
            Room("boards", "Boards", "intake", "/console/boards?status=open", "briefcase", "b", Capability.READ_OPS),
            Room("clients", "Clients", "intake", "/console/clients", "building-2", "u", Capability.READ_OPS),
            Room("ndas", "NDAs", "intake", "/console/ndas", "file-signature", "f", Capability.READ_OPS),
        ),
    ),
    Group(
        "System",
        (Room("design", "Design", "identity", "/admin/design", "columns-3", "d", None, is_local=True),),
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
