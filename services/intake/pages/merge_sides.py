"""The two leads of a merge side by side: what stands in the address, what each says, what will have been done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from chassis.console import Console
from chassis.console.cells import Shown, chip
from chassis.console.wording import counted, money, words
from services.intake.domain import LeadAction
from services.intake.domain.corrections import Correctable
from services.intake.domain.merging import CHOOSABLE, obstacle_to_pair
from services.intake.models import Consent, Lead, LeadPair, LeadSource
from services.intake.pages.lead_erased import name_of
from services.intake.pages.leads import PATH as LEADS
from services.intake.pages.leads import TONES
from services.intake.queries.merges import Creditable

COMPARE, CREDITS, CONFIRM = "compare", "credits", "confirm"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, with what is shown of it."""

    lead: Lead
    source: LeadSource
    consent: Consent
    creditable: Sequence[Creditable]


@dataclass(frozen=True, slots=True)
class Choices:
    """What stands in the address: who goes on, whose word counts for each field, and what is to be credited."""

    survivor: UUID
    words_of: Mapping[Correctable, UUID]
    credit: tuple[UUID, ...] = ()
    step: str = COMPARE

    def path(self, step: str, at: str) -> str:
        told = [("survivor", self.survivor), *((each.value, id_) for each, id_ in self.words_of.items())]
        told += [("credit", each) for each in self.credit]
        return f"{at}?{urlencode([*told, ('step', step)])}"


@dataclass(frozen=True, slots=True)
class Both:
    """The two, the pair that they are where one was found, and what was chosen.

    `said_by` are leads that were merged into them, where it is these that are alike.
    """

    survivor: Side
    loser: Side
    pair: LeadPair | None
    choices: Choices
    at: str
    seen: dict[str, str] = field(default_factory=dict)
    said_by: Sequence[Lead] = ()

    @property
    def obstacle(self) -> str | None:
        for side in (self.survivor, self.loser):
            lead = side.lead
            if found := lead.obstacle_to(LeadAction.MERGE):
                return f"{name_of(lead)}: {found}"
        one, other = self.survivor.lead, self.loser.lead
        return obstacle_to_pair((one.id, one.status), (other.id, other.status))

    @property
    def take(self) -> list[Correctable]:
        """The fields for which the loser's word counts."""
        return [each for each in CHOOSABLE if self.choices.words_of.get(each) == self.loser.lead.id]

    @property
    def charged(self) -> list[Creditable]:
        return [each for each in self.loser.creditable if each.obstacle is None]

    @property
    def asked(self) -> list[Creditable]:
        return [each for each in self.charged if each.known.assignment_id in self.choices.credit]


def head_of(side: Side, console: Console) -> dict[str, Any]:
    lead, wording = side.lead, console.wording
    return {
        "id": lead.id,
        "name": name_of(lead),
        "path": f"{LEADS}/{lead.id}",
        "state": chip(words(lead.status), TONES.get(lead.status, "")),
        "lines": (
            ("Received", wording.ago(lead.received_at)),
            ("Source", side.source.name),
            ("Service", words(lead.service)),
            ("Path", words(lead.selected_path)),
            ("Delivered", wording.ago(lead.delivered_at) if lead.delivered_at else "No"),
            ("Owner", lead.owner_name or "Nobody"),
            ("Agreed to", side.consent.text),
            ("On page", side.consent.url),
        ),
    }


@dataclass(frozen=True, slots=True)
class FieldChoice:
    name: str
    label: str
    survivor: str
    loser: str
    is_taken: bool

    @property
    def is_same(self) -> bool:
        return self.survivor == self.loser


def fields_of(both: Both) -> list[FieldChoice]:
    return [
        FieldChoice(
            each.value,
            words(each.value),
            _told(both.survivor.lead, each),
            _told(both.loser.lead, each),
            each in both.take,
        )
        for each in CHOOSABLE
    ]


def _told(lead: Lead, each: Correctable) -> str:
    return " ".join(str(getattr(lead, part)) for part in each.parts)


def credit_of(each: Creditable, both: Both, console: Console) -> dict[str, Any]:
    """Ticked until somebody unticks it."""
    known = each.known
    invoice = console.addresses.url("billing", f"/console/invoices/{known.invoice_id}") if known.invoice_id else ""
    is_first = both.choices.step == CREDITS and not both.choices.credit
    return {
        "id": known.assignment_id,
        "installer": known.installer_name or "An installer",
        "price": money(known.unit_price_cents) if known.unit_price_cents is not None else "",
        "invoice": Shown(known.invoice_number, path=invoice) if invoice else Shown("Not invoiced yet"),
        "why_not": each.obstacle,
        "is_chosen": each.obstacle is None and (is_first or known.assignment_id in both.choices.credit),
    }


def effects_of(both: Both) -> list[str]:
    """What will have been done, as sentences."""
    survivor, loser = both.survivor.lead, both.loser.lead
    changed = [each.label.lower() for each in fields_of(both) if each.is_taken and not each.is_same]
    told = [f"The lead of {survivor.name} from {both.survivor.source.name} goes on for both."]
    told.append(
        f"The lead of {loser.name} is closed as a duplicate and kept: nobody gets it any more, and what is not yet "
        "sent is taken back."
    )
    told += [f"It takes {_joined(changed)} from the other; whoever has it is told by mail."] if changed else []
    told += [] if changed else ["It keeps all that it says."]
    names = [each.known.installer_name or "an installer" for each in both.asked]
    left = len(both.charged) - len(names)
    if names:
        told.append(f"Finance is asked to credit {_joined(names)}; the answer stands on both pages.")
    if left:
        told.append(f"{counted(left, 'delivery', 'deliveries')} of the other stay charged.")
    told.append("It can be taken apart again, from the page of the one that was closed; credits stand.")
    return told


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
