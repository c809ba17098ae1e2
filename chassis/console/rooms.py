"""The rooms of all services, as the one navigation lists them. A room is here once its service serves it."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.console.siblings import ACTIVITY, BULK_ACTIONS, DESKS, PARKED_EVENTS
from contracts.identity import Capability


@dataclass(frozen=True, slots=True)
class Room:
    """`key` follows `g` on the keyboard: one letter, a capital where the small one is taken.

    `capability` is None where being signed in is enough. `path` is the view with which the room opens: what waits.
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

# What waits for somebody, where a room has more than that: the view with which it opens.
LEADS_WAIT = "status=duplicate_review&status=exception&sort=received"
HELD_PAIRS = "state=held&sort=found"
MY_QUEUE = "owner=mine&state=open"
PAYOUTS_WAIT = "stands=unknown&stands=needs_approval&stands=failed&stands=on_hold&sort=since"
RETURNS_WAIT = "state=requested&sort=due"
HELD_BACK = "breaker=open&breaker=half_open"
UNBILLED, DRAFTS, UNSETTLED = "status=billable&invoiced=no", "status=draft", "state=held&state=unmatched"
PROPOSED = "state=proposed&sort=asked"
UNDELIVERED, IN_FORCE = "attention=undelivered&attention=unknown", "state=in_force"

GROUPS = (
    Group("Today", (Room("home", "Home", "identity", "/console", "house", "h", None),)),
    Group(
        "Leads",
        (
            Room("leads", "Leads", "intake", f"/console/leads?{LEADS_WAIT}", "contact", "l", OPS),
            Room("duplicates", "Duplicates", "intake", f"/console/duplicates?{HELD_PAIRS}", "copy", "D", OPS),
            Room("follow-ups", "Follow-ups", "intake", f"/console/follow-ups?{MY_QUEUE}", "list-checks", "F", OPS),
            Room("escalations", "Escalations", "intake", "/console/escalations", "siren", "E", OPS),
            Room("erasures", "Erasures", "intake", "/console/erasures", "eraser", "X", OPS),
            Room("lead-sources", "Lead sources", "intake", "/console/lead-sources?state=active", "key-round", "v", OPS),
        ),
    ),
    Group(
        "Dispatch",
        (
            Room("exceptions", "Exceptions", "routing", "/console/exceptions?state=open", "triangle-alert", "e", OPS),
            Room("assignments", "Assignments", "routing", "/console/assignments?status=pending", "route", "a", OPS),
            Room(
                "delivery-channels",
                "Delivery channels",
                "routing",
                f"/console/delivery-channels?{HELD_BACK}",
                "webhook",
                "W",
                OPS,
            ),
            Room("returns", "Returns", "routing", f"/console/returns?{RETURNS_WAIT}", "undo-2", "R", OPS),
            Room("installers", "Installers", "routing", "/console/installers?status=active", "truck", "n", OPS),
            Room("simulator", "Simulator", "routing", "/console/simulations", "flask-conical", "M", OPS),
            Room("scorecards", "Scorecards", "routing", "/console/scorecards", "trophy", "K", OPS),
            Room("dispatch-health", "Dispatch health", "routing", "/console/dispatch-health", "gauge", "H", OPS),
            Room("coverage", "Coverage", "routing", "/console/coverage", "map", "T", OPS),
        ),
    ),
    Group(
        "Billing",
        (
            Room("deliveries", "Delivery events", "billing", f"/console/delivery-events?{UNBILLED}", "send", "d", OPS),
            Room("held", "Held deliveries", "billing", "/console/held-deliveries?state=waits", "package-x", "g", OPS),
            Room("month-close", "Month close", "billing", "/console/month-close", "calendar-check", "m", OPS),
            Room("invoices", "Invoices", "billing", "/console/invoices?status=draft", "receipt", "i", OPS),
            Room("receivables", "Receivables", "billing", "/console/receivables", "hand-coins", "r", OPS),
            Room(
                "adjustments",
                "Adjustments",
                "billing",
                "/console/adjustments?state=pending&sort=asked",
                "scale",
                "q",
                OPS,
            ),
            Room(
                "credit-proposals",
                "Credit proposals",
                "billing",
                f"/console/credit-proposals?{PROPOSED}",
                "scale",
                "Q",
                OPS,
            ),
            Room("billing-figures", "Billing figures", "billing", "/console/billing-figures", "chart-column", "B", OPS),
            Room("payments", "Payments", "billing", "/console/payments", "banknote", "Y", OPS),
            Room("write-offs", "Write-offs", "billing", "/console/write-offs?state=pending", "eraser", "O", OPS),
            Room("void-requests", "Voids", "billing", "/console/void-requests?state=pending", "ban", "V", OPS),
            Room("accounts", "Accounts", "billing", "/console/accounts", "building-2", "j", OPS),
            Room("journal", "Journal", "billing", "/console/journal", "file-text", "J", OPS),
            Room("reconciliation", "Reconciliation", "billing", "/console/stripe", "scale", "Z", OPS),
            Room("certificates", "Certificates", "billing", "/console/certificates", "badge-check", "C", OPS),
            Room(
                "stripe-events", "Stripe events", "billing", f"/console/stripe-events?{UNSETTLED}", "banknote", "S", OPS
            ),
        ),
    ),
    Group(
        "Boards",
        (
            Room("boards", "Boards", "intake", "/console/boards?status=open", "briefcase", "b", OPS),
            Room(
                "client-invoices",
                "Client invoices",
                "billing",
                f"/console/client-invoices?{DRAFTS}",
                "file-text",
                "c",
                OPS,
            ),
            Room("board-splits", "Splits", "payouts", "/console/board-splits?stands=held", "split", "G", OPS),
            Room("clients", "Clients", "intake", "/console/clients", "users-round", "u", OPS),
            Room("ndas", "NDAs", "intake", "/console/ndas", "file-signature", "f", OPS),
        ),
    ),
    Group(
        "Payouts",
        (
            Room("payouts", "Payouts", "payouts", f"/console/payouts?{PAYOUTS_WAIT}", "hand-coins", "p", OPS),
            Room("experts", "Experts", "payouts", "/console/experts", "user-round", "x", OPS),
            Room("payout-sweeps", "Sweeps", "payouts", "/console/payout-sweeps", "calendar-clock", "P", OPS),
        ),
    ),
    Group(
        "Mail",
        (
            Room("tickets", "Tickets", "notifications", "/console/tickets?state=open&sort=since", "ticket", "t", OPS),
            Room("messages", "Messages", "notifications", f"/console/messages?{UNDELIVERED}", "mail", "z", OPS),
            Room("email-health", "Email health", "notifications", "/console/email-health", "mail-warning", "s", OPS),
            Room("suppressions", "Suppressions", "notifications", f"/console/suppressions?{IN_FORCE}", "ban", "U", OPS),
        ),
    ),
    Group(
        "Team",
        (
            Room("operators", "Operators", "identity", "/console/operators", "users", "o", ACCESS),
            Room("activity", "Activity", "identity", ACTIVITY.path("identity"), "history", "y", OPS),
            Room("bulk-actions", "Bulk actions", "routing", BULK_ACTIONS.path("routing"), "clipboard-list", "A", OPS),
        ),
    ),
    Group(
        "System",
        (
            Room("parked-events", "Parked events", "routing", PARKED, "inbox", "k", OPS),
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
