"""What the person behind a lead agreed to, which nobody can change, and its export for a complaint."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody
from markupsafe import Markup

from chassis.clock import Clock
from chassis.console import Form, form_at
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact, Facts, Part, Section
from chassis.console.timeline import Moment
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake.http.evidence import export_consent_evidence
from services.intake.models import Consent
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.leads import PATH
from services.intake.settings import Settings

NOT_TOLD = "Not told by the source"
VERBS = {"export_consent": "exported the evidence of consent"}


class EvidenceForm(Form):
    """Nothing but the session's mark."""


async def consent_of(file: LeadFile) -> Sequence[Section]:
    consent = file.consent
    if file.lead.erased_at is not None:
        gone = Fact("What the person agreed to", "Erased with the person")
        return [Facts("Consent", [_agreed_at(consent), _received_at(consent), gone])]
    facts = [
        _agreed_at(consent),
        Fact("From address, as the source says", _address(consent.asserted_remote_address)),
        Fact("On page", consent.url),
        _received_at(consent),
        Fact("Received from", _address(consent.remote_address)),
    ]
    context = {"facts": facts, "text": consent.text, "path": f"{PATH}/{file.lead.id}/consent-evidence"}
    return [Part("Consent: what the person agreed to", "lead_consent.html", context)]


def _agreed_at(consent: Consent) -> Fact:
    told = Shown(consent.asserted_given_at, Kind.INSTANT) if consent.asserted_given_at else NOT_TOLD
    return Fact("Agreed at, as the source says", told)


def _received_at(consent: Consent) -> Fact:
    return Fact("Received at", Shown(consent.given_at, Kind.INSTANT))


def _address(address: str | None) -> Markup | str:
    return Markup("<code>{}</code>").format(address) if address else NOT_TOLD


async def moments_of(file: LeadFile) -> Sequence[Moment]:
    return [moment for moment in file.audit if moment.what == VERBS["export_consent"]]


@form_at(PATH + "/{lead_id:uuid}/consent-evidence", Capability.READ_OPS, step_up=True)
async def export_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[EvidenceForm],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    settings: Given[Settings],
) -> Response[str]:
    answer: Response[Any] = await export_consent_evidence.fn(lead_id, database, clock, operator, settings)
    answer.media_type = "text/html"
    return answer


ROUTES = (export_by_form,)
