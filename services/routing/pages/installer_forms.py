"""The forms of an installer's page: what each takes, and the fields that it shows."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from chassis.console import Form
from chassis.console.fields import FieldKind, FormField
from chassis.http import Line
from contracts.values import InstallerStatus
from services.routing.commands.installers import ParticularsChanges
from services.routing.domain.places import lines_of, territory_of
from services.routing.domain.profile import Territory
from services.routing.http.fields import Abn, Address, Email, Note, Phone, TimeZone, Why
from services.routing.http.installer_views import CapsChange, TerritoryShape
from services.routing.http.installers import Services
from services.routing.models import Installer

LONGEST_TERRITORY = 40_000
ZONES = tuple(
    f"Australia/{city}"
    for city in ("Adelaide", "Brisbane", "Darwin", "Hobart", "Lord_Howe", "Melbourne", "Perth", "Sydney")
)


def _split(written: object) -> object:
    """What stands between commas, in one field or in several."""
    if not isinstance(written, list):
        return written
    return [part.strip() for each in written for part in str(each).split(",") if part.strip()]


def _shape(written: object) -> object:
    """As the JSON route takes it, which has its own limits of how much it takes."""
    return TerritoryShape.of(territory_of(written)) if isinstance(written, str) else written


WrittenServices = Annotated[Services, BeforeValidator(_split)]
WrittenTerritory = Annotated[TerritoryShape, BeforeValidator(_shape)]


class SeenForm(Form):
    """`seen` is what had been done to the installer when its page was shown."""

    seen: UUID | None = None


class WhyForm(Why, SeenForm):
    """As the JSON routes take it."""


class ChangeStatusForm(SeenForm):
    status: InstallerStatus
    reason: Note


class CapsForm(CapsChange, SeenForm):
    """As the JSON route takes them."""


class TerritoryForm(WhyForm):
    territory: WrittenTerritory = Field(default_factory=TerritoryShape)


class ContactsForm(WhyForm):
    name: Line
    email: Email
    phone: Phone | None = None
    services: WrittenServices
    time_zone: TimeZone

    def changes(self) -> ParticularsChanges:
        services = tuple(sorted(set(self.services)))
        return ParticularsChanges(
            name=self.name, email=self.email, phone=self.phone, services=services, time_zone=self.time_zone
        )


class InvoicingForm(WhyForm):
    abn: Abn | None = None
    gst_registered: bool = False
    billing_email: Email
    billing_address: Address | None = None

    def changes(self) -> ParticularsChanges:
        return ParticularsChanges(
            abn=self.abn,
            gst_registered=self.gst_registered,
            billing_email=self.billing_email,
            billing_address=self.billing_address,
        )


def territory_field(territory: Territory | None = None) -> FormField:
    return FormField(
        "territory",
        "Territory",
        FieldKind.PROSE,
        "\n".join(lines_of(territory)) if territory else "",
        hint="One a line: a state as NSW, a range as 2000-2234, or a postcode as 2204",
        longest=LONGEST_TERRITORY,
    )


def contact_fields(installer: Installer | None = None, zone: str = "") -> list[FormField]:
    zone = installer.time_zone if installer else zone
    zones = ZONES if zone in ZONES else (zone, *ZONES)
    return [
        FormField("name", "Name", value=installer.name if installer else "", is_required=True),
        FormField(
            "email",
            "E-mail for leads",
            FieldKind.EMAIL,
            installer.email if installer else "",
            is_required=True,
            longest=254,
        ),
        FormField("phone", "Phone", value=(installer.phone if installer else None) or "", longest=40),
        FormField(
            "services",
            "Services",
            value=", ".join(installer.services) if installer else "",
            hint="With commas between them, as solar-battery, heat-pump",
            is_required=True,
            longest=2_000,
        ),
        FormField(
            "time_zone",
            "Time zone",
            FieldKind.CHOICE,
            zone,
            hint="Its days, weeks and cycles begin by this clock",
            is_required=True,
            options=[(each, each.replace("_", " ")) for each in zones],
        ),
    ]


def invoicing_fields(installer: Installer | None = None) -> list[FormField]:
    return [
        FormField("abn", "ABN", value=(installer.abn if installer else None) or "", longest=20),
        FormField(
            "gst_registered",
            "Registered for GST",
            FieldKind.CHECK,
            "true" if installer and installer.gst_registered else "",
        ),
        FormField(
            "billing_email",
            "E-mail for invoices",
            FieldKind.EMAIL,
            installer.billing_email if installer else "",
            hint="" if installer else "The one for leads where it is left empty",
            is_required=installer is not None,
            longest=254,
        ),
        FormField(
            "billing_address",
            "Address on invoices",
            FieldKind.PROSE,
            (installer.billing_address if installer else None) or "",
            longest=500,
        ),
    ]
