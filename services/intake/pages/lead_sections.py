"""What one lead's page says of it: the person, where it came from, and what waits."""

from collections.abc import Sequence

from markupsafe import Markup

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact, Facts, Note, Section
from chassis.console.wording import words
from services.intake import queries
from services.intake.domain import LeadStatus
from services.intake.models import Lead
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.leads import told_outcome


async def notes_of(file: LeadFile) -> Sequence[Note]:
    lead = file.lead
    if lead.status is not LeadStatus.EXCEPTION:
        return []
    queue = file.console.addresses.url("routing", f"/console/exceptions?q={lead.id}")
    reason = words(lead.exception_reason or "no installer has it")
    return [
        Note(f"It waits for an operator: {reason.lower()}", tone="warning", items=[("Open it in the queue", queue)])
    ]


async def screening_notes_of(file: LeadFile) -> Sequence[Note]:
    """Where it is held up by a fault of ours, which nobody but us can mend."""
    if file.lead.status is not LeadStatus.RECEIVED:
        return []
    fault = await queries.screening_fault(file.session, file.lead.id)
    if fault is None:
        return []
    tries = "once" if fault.attempts == 1 else f"{fault.attempts} times"
    return [
        Note(
            f"It could not be taken in: a fault of ours stopped it {tries}",
            "It is tried again by itself, at the latest after ten minutes.",
            tone="danger",
        )
    ]


async def facts_of(file: LeadFile) -> Sequence[Fact]:
    lead = file.lead
    return [
        Fact("Received", Shown(lead.received_at, Kind.INSTANT)),
        Fact("Source", Shown(file.source.name, path=f"/console/lead-sources/{file.source.id}")),
        Fact("Submission key", Shown(lead.submission_key, Kind.ID)),
        Fact("Path", Shown(lead.selected_path, Kind.WORD)),
        Fact("Service", Shown(lead.service, Kind.WORD)),
        Fact("Outcome", Shown(_outcome(lead))),
        Fact("First delivered", Shown(lead.delivered_at, Kind.INSTANT)),
        Fact("Lead id", Markup("<code>{}</code>").format(lead.id)),
    ]


def _outcome(lead: Lead) -> str | None:
    return told_outcome(lead.exception_reason or lead.close_reason or lead.outcome, lead.status, lead.delivered_at)


async def person_of(file: LeadFile) -> Sequence[Section]:
    lead = file.lead
    place = Fact("Suburb", f"{lead.suburb} {lead.state} {lead.postcode}")
    if lead.erased_at is not None:
        return [Facts("Property", [place])]
    person = [
        Fact("Name", lead.name),
        Fact("E-mail", lead.email),
        Fact("Phone", lead.phone),
        Fact("Street", lead.street),
        place,
    ]
    return [Facts("Person and property", person)]
