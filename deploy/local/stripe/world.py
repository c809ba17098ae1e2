"""The state of one simulator, and the view of it that one call or one control act has."""

from dataclasses import dataclass, field
from secrets import token_hex

from chassis.clock import Clock, ShiftedClock, SystemClock
from deploy.local.stripe.courier import Courier
from deploy.local.stripe.errors import ApiError, Json, no_such
from deploy.local.stripe.event_log import EventLog
from deploy.local.stripe.settings import Settings
from deploy.local.stripe.tables import Books, Table
from deploy.local.stripe.views import render

NOUNS = {"invoiceitem": "invoiceitem", "tax_rate": "tax rate", "webhook_endpoint": "webhook endpoint"}


class World:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock: Clock = ShiftedClock(settings.clock_file) if settings.clock_file else SystemClock()
        self.courier = Courier(settings)
        self.events = EventLog(self.courier.carry)
        self.clear()

    def clear(self) -> None:
        self.platform = Books()
        self.connected: dict[str, Books] = {}
        self.events.clear()
        self.courier.clear()
        self.platform_account = "acct_" + token_hex(8)
        self.overdue_announced: set[str] = set()

    def now(self) -> int:
        """Unix seconds of the injected clock: business time, as `created` and due dates show it."""
        return int(self.clock.now().timestamp())


@dataclass(slots=True)
class Call:
    """One request to the API, or one act of the control routes, with what it may read and change."""

    world: World
    params: Json = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    request_id: str | None = None
    idempotency_key: str | None = None
    account: str | None = None
    """The connected account of the `Stripe-Account` header."""

    @property
    def books(self) -> Books:
        return self.world.connected[self.account] if self.account else self.world.platform

    @property
    def now(self) -> int:
        return self.world.now()

    def table(self, kind: str) -> Table:
        return self.books[kind]

    def row(self, kind: str, identifier: str | None = None, *, param: str = "id") -> Json:
        """The row that the path (or the parameter `param`) names, or Stripe's refusal."""
        identifier = identifier if identifier is not None else self.path["id"]
        row = self.table(kind).get(identifier)
        if row is None:
            raise no_such(NOUNS.get(kind, kind.replace("_", " ")), identifier, param=param)
        return row

    def add(self, row: Json, event: str | None = None) -> Json:
        self.table(row["object"]).add(row)
        if event is not None:
            self.emit(event, row)
        return row

    def change(self, row: Json, changes: Json, event: str | None = None) -> Json:
        """Writes and, when something did change, tells it with the values from before."""
        before = {name: row.get(name) for name, value in changes.items() if row.get(name) != value}
        row.update(changes)
        if before and event is not None:
            self.emit(event, row, previous={name: value for name, value in before.items() if name[0] != "_"})
        return row

    def emit(self, event: str, row: Json, *, previous: Json | None = None, account: str | None = None) -> None:
        """`account` is set for what happens on a connected account: only the connect endpoints hear of it."""
        self.world.events.record(
            event,
            render(self.books, row),
            created=self.now,
            previous=previous,
            account=account,
            request={"id": self.request_id, "idempotency_key": self.idempotency_key},
        )

    def on_account(self, account: str) -> "Call":
        """The same call, seen from a connected account's books."""
        return Call(self.world, {}, {}, self.request_id, self.idempotency_key, account)


def refuse(message: str, *, code: str | None = None, param: str | None = None, status: int = 400) -> ApiError:
    return ApiError(message, code=code, param=param, status=status)
