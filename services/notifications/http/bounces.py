"""Mails that came back, as a mailbox's rule or an operator puts them in."""

from litestar import post
from litestar.params import RawBody

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, Operator, requires
from contracts.identity import Capability
from services.notifications.commands.alerts import AlertTerms
from services.notifications.commands.bounces import BounceTerms, take_bounce
from services.notifications.http.messages import MessageRow, row_of
from services.notifications.settings import Settings

LARGEST_NOTIFICATION_BYTES = 1024 * 1024
"""With the mail that came back in it, whatever was attached to that."""


@post(
    "/admin/ops/bounces",
    guards=[requires(Capability.WRITE_ROUTING)],
    status_code=200,
    request_max_body_size=LARGEST_NOTIFICATION_BYTES,
)
async def take_in_bounce(
    body: RawBody,
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> MessageRow:
    """Take in a delivery status notification (RFC 3464): the whole mail, byte for byte as it came.

    It is matched by our Message-ID or the original envelope id, and taken in once, however often it is put in.
    """
    async with database.transaction() as session:
        message = await take_bounce(session, body, operator, bounce_terms(settings, clock))
    return MessageRow.model_validate(row_of(message))


def bounce_terms(settings: Settings, clock: Clock) -> BounceTerms:
    alerts = AlertTerms(
        recipient=settings.ops_alert_address,
        interval_seconds=settings.alert_interval_seconds,
        mail_domain=settings.mail_domain,
        now=clock.now(),
    )
    return BounceTerms(settings.suppression_days, alerts)


ROUTES = (take_in_bounce,)
