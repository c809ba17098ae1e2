"""The six services behind their ports, each started when it is first asked for and on a database of its own."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from chassis.clock import FixedClock, SystemClock
from chassis.database import Database, create_engine
from chassis.http import route_guards
from chassis.http.endpoints import RouteGuard
from chassis.process import assemble
from chassis.service import Service, database_of
from chassis.settings import Shape
from deploy import SERVICES
from deploy.local.paths import free_port
from deploy.local.postgres import ServiceDatabase
from services.billing.main import build as build_billing
from services.billing.settings import Settings as BillingSettings
from services.identity.commands.signing_keys import signing_key
from services.identity.main import build as build_identity
from services.identity.passwords import Passwords
from services.identity.security import security_of
from services.intake.main import build as build_intake
from services.intake.settings import Settings as IntakeSettings
from services.notifications.main import build as build_notifications
from services.notifications.settings import Settings as NotificationsSettings
from services.payouts.main import build as build_payouts
from services.payouts.settings import Settings as PayoutsSettings
from services.routing.main import build as build_routing
from services.routing.settings import Settings as RoutingSettings
from tests.billing.arrangements import SELLER
from tests.chassis.http.serving import serving
from tests.identity.house import House, settings_for
from tests.kit.databases import Databases
from tests.kit.emptying import Emptying
from tests.notifications.fake_gateway import FakeGateway as FakeMail
from tests.payouts.fake_gateway import FakeGateway as FakeStripe
from tests.routing.webhooks import gateway as webhook_gateway

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
FUNDS_CENTS = 10_000_000

# What verifiers have read of these stays true over all tests.
_KEPT = frozenset({"signing_keys"})


def passwords() -> Passwords:
    return security_of(settings_for(NOWHERE), SystemClock()).passwords


@dataclass
class Tenant:
    """One service at work; `database` is for the tests' event loop, as the pages have an engine in their thread."""

    given: ServiceDatabase
    database: Database
    emptying: Emptying
    guards: tuple[RouteGuard, ...]
    superuser: asyncpg.Connection | None = None

    async def empty(self, superuser_url: str) -> None:
        if self.superuser is None:
            self.superuser = await asyncpg.connect(superuser_url)
            await self.superuser.execute("SET lock_timeout = '10s'")
        await self.superuser.execute("; ".join(self.emptying.statements))

    async def close(self) -> None:
        await self.database.close()
        if self.superuser is not None:
            await self.superuser.close()


@dataclass
class Building:
    """All of it stays over the tests; `clear` puts what they left behind out of the house."""

    databases: Databases
    passwords: Passwords
    machine: FixedClock = field(default_factory=lambda: FixedClock(datetime.now(UTC)))
    business: FixedClock = field(default_factory=lambda: FixedClock(datetime.now(UTC)))
    stripe: FakeStripe = field(default_factory=FakeStripe)
    _tenants: dict[str, Tenant] = field(default_factory=dict)
    _serving: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.addresses = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}

    async def open(self) -> None:
        """Identity first: everyone else asks it for keys, and one that signs since an hour is known to all."""
        database = self.database("identity")
        earlier = FixedClock(self.machine.now() - timedelta(hours=1))
        async with database.transaction() as session:
            await signing_key(session, House(database, self._of_identity(), earlier, self.passwords).security)
        self.house = House(database, self._of_identity(), self.machine, self.passwords)

    async def close(self) -> None:
        """What was started last ends first, so that nobody asks identity who is gone."""
        self._serving.close()
        for tenant in self._tenants.values():
            await tenant.close()
            self.databases.drop(tenant.given)

    def address(self, service: str) -> str:
        self._move_in(service)
        return self.addresses[service]

    def database(self, service: str) -> Database:
        self._move_in(service)
        return self._tenants[service].database

    def guards(self, service: str) -> tuple[RouteGuard, ...]:
        """Of each of its routes."""
        self._move_in(service)
        return self._tenants[service].guards

    def is_vacant(self, url: str) -> bool:
        """Whether `url` is of a service that no test has asked for yet, as the shell asks all of them."""
        return any(url.startswith(f"{at}/") for name, at in self.addresses.items() if name not in self._tenants)

    async def clear(self, now: datetime) -> None:
        """As after the migrations; both clocks are set, to the true time and to `now`."""
        self.machine.instant, self.business.instant = datetime.now(UTC), now
        vars(self.stripe).update(vars(FakeStripe(available=FUNDS_CENTS)))
        for tenant in self._tenants.values():
            await tenant.empty(self.databases.address.url(_name(tenant.given)))

    def _move_in(self, service: str) -> None:
        """Starts the service unless it is at work."""
        if service in self._tenants:
            return
        given = self.databases.fresh(service)
        emptying = Emptying.of(self.databases.address, _name(given), kept=_KEPT)
        app = assemble(_MAKERS[service](self, given.url), Shape.API)
        port = int(self.addresses[service].rsplit(":", 1)[1])
        self._serving.enter_context(serving(app, port, until_all_left=True))
        database = Database(create_engine(given.url, name=f"rooms-{service}"), f"/waybill/{service}")
        self._tenants[service] = Tenant(given, database, emptying, tuple(route_guards(app)))

    def settings(self, url: str, **knobs: Any) -> dict[str, Any]:
        """What all services are told."""
        return {
            "environment": "local",
            "database_url": url,
            "database_pool_size": 5,
            "identity_jwks_url": f"{self.addresses['identity']}/.well-known/jwks.json",
            "console_addresses": self.addresses,
            **knobs,
        }

    def _of_identity(self) -> Any:
        return settings_for(NOWHERE, console_addresses=self.addresses)


def _identity(building: Building, url: str) -> Service:
    """With threads for hashing of its own, which the application closes with itself."""
    settings = settings_for(url, console_addresses=building.addresses)
    database = database_of("identity", settings)
    return build_identity(
        settings, security=House(database, settings, building.machine, passwords()).security, database=database
    )


def _intake(building: Building, url: str) -> Service:
    return build_intake(IntakeSettings(**building.settings(url)), clock=building.business)


def _routing(building: Building, url: str) -> Service:
    """With a way out to receivers on this machine."""
    return build_routing(RoutingSettings(**building.settings(url)), clock=building.business, gateway=webhook_gateway())


def _billing(building: Building, url: str) -> Service:
    """Without a key for Stripe: its references are typed in."""
    seller = {"seller_name": SELLER.name, "seller_abn": SELLER.abn, "seller_address": SELLER.address}
    return build_billing(BillingSettings(**building.settings(url, **seller)), clock=building.business)


def _payouts(building: Building, url: str) -> Service:
    settings = PayoutsSettings(**building.settings(url, stripe_api_key="sk_test"))
    return build_payouts(settings, clock=building.business, gateway=building.stripe)


def _notifications(building: Building, url: str) -> Service:
    settings = NotificationsSettings(**building.settings(url, smtp_url="smtp://127.0.0.1:1"))
    return build_notifications(settings, clock=building.business, gateway=FakeMail())


_MAKERS: dict[str, Callable[[Building, str], Service]] = {
    "identity": _identity,
    "intake": _intake,
    "routing": _routing,
    "billing": _billing,
    "payouts": _payouts,
    "notifications": _notifications,
}


def _name(given: ServiceDatabase) -> str:
    return given.url.rsplit("/", 1)[1]
