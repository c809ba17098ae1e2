"""A lead whose person was erased, and the way to erase one."""

from collections.abc import Sequence

from markupsafe import Markup

from chassis.console.cells import chip
from chassis.console.documents import Note
from chassis.console.timeline import Moment
from chassis.console.wording import words
from services.intake import queries
from services.intake.domain.erasure import ErasureReason
from services.intake.models import Lead
from services.intake.pages.erasures import PATH, WRITE
from services.intake.pages.lead_file import LeadFile
from services.intake.queries.leads import NOBODY


def name_of(lead: Lead) -> str:
    return NOBODY if lead.erased_at is not None else lead.name


def chips_of(lead: Lead) -> list[Markup]:
    return [chip("Erased")] if lead.erased_at is not None else []


async def notes_of(file: LeadFile) -> Sequence[Note]:
    if file.lead.erased_at is None:
        return []
    erasure = await queries.erasure_of(file.session, file.lead.id)
    told = "Nothing can be done with it any more. Place, service, steps and money stay."
    return [Note("Its person was erased", told, items=[("Look at the erasure", f"{PATH}/{erasure.id}")])]


async def moments_of(file: LeadFile) -> Sequence[Moment]:
    if file.lead.erased_at is None:
        return []
    erasure = await queries.erasure_of(file.session, file.lead.id)
    reason = f"{words(ErasureReason(erasure.reason_code))}: {erasure.note}"
    return [Moment(erasure.erased_at, erasure.requested_by, "erased the person", (), reason)]


def links_of(file: LeadFile) -> Sequence[tuple[str, str]]:
    if file.lead.erased_at is not None or not file.operator.can(WRITE):
        return []
    return [("Erase the person", f"{PATH}/new?lead={file.lead.id}")]
