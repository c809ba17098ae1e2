"""The evidence of a person's consent, for who has a complaint to answer."""

from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, Operator, requires
from contracts.identity import Capability
from services.intake.commands.leads.evidence import export_consent
from services.intake.evidence import as_html
from services.intake.settings import Settings


@get(
    "/admin/leads/{lead_id:uuid}/consent-evidence",
    guards=[requires(Capability.READ_OPS, step_up=True)],
    media_type="text/html",
)
async def export_consent_evidence(
    lead_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    settings: Given[Settings],
) -> Response[str]:
    """What the person agreed to, when, where and from which address, as one file. That it was asked for is recorded."""
    now = clock.now()
    async with database.transaction() as session:
        evidence = await export_consent(session, lead_id, operator, now)
    return Response(
        as_html(evidence, operator.name, now, settings.zone),
        headers={
            "Content-Disposition": f'attachment; filename="consent-{lead_id}.html"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


ROUTES = (export_consent_evidence,)
