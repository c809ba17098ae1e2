"""The composition root of billing: the only place where engine, gateway and routes meet."""

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner
from chassis.database import Database
from chassis.service import Service, clock_of, database_of
from contracts.values import InvoiceKind
from services.billing import pages, work
from services.billing.certifying import Certifier
from services.billing.closing import CloseRunner
from services.billing.commands.account_news import TellingRule
from services.billing.commands.house import House
from services.billing.commands.numbers import Numbering
from services.billing.domain.signing import Signer
from services.billing.http import ROUTES
from services.billing.pages.desk import desk_of
from services.billing.settings import Settings
from services.billing.stripe_gateway import LiveStripe, StripeGateway


def build(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    gateway: StripeGateway | None = None,
) -> Service:
    """Without a key there is no gateway: Stripe references are typed in and checked for form alone.

    Tests give a clock that stands still, a database of their own and a Stripe in the process.
    """
    settings = settings or Settings()
    clock, database = clock or clock_of(settings), database or database_of("billing", settings)
    gateway = gateway or _stripe(settings)
    house = house_of(settings)
    telling = TellingRule(settings.zone, has_payment_details=bool(house.payment_details))
    bulk = BulkRunner(database, clock, pages.LISTINGS, {"house": house, "gateway": gateway})
    closing = CloseRunner(database, clock, house, gateway)
    certifier = Certifier(database, clock, _signer(settings))
    means = work.Means(settings, database, clock, telling, bulk, closing, gateway, certifier)
    return Service(
        name="billing",
        settings=settings,
        clock=clock,
        database=database,
        routes=(*ROUTES, *pages.ROUTES),
        consumers=work.consumers(clock, house.approval),
        loops=work.loops(means),
        jobs=work.jobs(means),
        measures=work.measures(means),
        dependencies={
            "bulk": bulk,
            "closing": closing,
            "certifier": certifier,
            "desk": desk_of(settings.zone),
            "gateway": gateway,
            "house": house,
            "telling": telling,
        },
        on_stop=(gateway.close,) if gateway is not None else (),
    )


def house_of(settings: Settings) -> House:
    return House(
        seller=settings.seller,
        numbering=Numbering(settings.legal_entity, settings.invoice_number_prefix),
        zone=settings.zone,
        terms_days={kind: settings.terms_days(kind) for kind in InvoiceKind},
        approval_limit_cents=settings.approval_limit_cents,
        payment_details=settings.seller_payment_details.strip(),
    )


def _signer(settings: Settings) -> Signer | None:
    return Signer(settings.key_secret.get_secret_value()) if settings.key_secret is not None else None


def _stripe(settings: Settings) -> StripeGateway | None:
    if not settings.looks_up_stripe:
        return None
    key = settings.stripe_api_key.get_secret_value()
    return LiveStripe(key, settings.stripe_api_base, settings.stripe_timeout_seconds)
