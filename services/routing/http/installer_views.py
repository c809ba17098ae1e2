"""An installer as it is told and as its caps and territory are given."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from chassis.http import Body
from contracts.values import AustralianState, InstallerStatus
from services.routing.domain.absences import obstacle_to_ending
from services.routing.domain.candidate import WindowCount
from services.routing.domain.pausing import actions_on
from services.routing.domain.preflight import Point
from services.routing.domain.profile import PostcodeRange, Territory
from services.routing.domain.states import AbsenceKind
from services.routing.domain.windows import Limits, WindowKind
from services.routing.http.fields import Limit, Note, Postcode
from services.routing.http.hours import HoursTold
from services.routing.models import Installer, InstallerAbsence


class Caps(Body):
    """Leads per window of the installer's own wall clock; the week begins on Monday."""

    day: Limit | None = None
    week: Limit | None = None
    month: Limit | None = None

    def limits(self) -> Limits:
        return Limits(self.day, self.week, self.month)


class CapsChange(Caps):
    reason: Note | None = None


class RangeShape(Body):
    """Both ends belong to it."""

    first: Postcode
    last: Postcode

    @model_validator(mode="after")
    def _ends_after_its_first(self) -> "RangeShape":
        if self.last < self.first:
            raise PydanticCustomError("range_reversed", "a range ends at or after its first postcode")
        return self


class TerritoryShape(Body):
    states: Annotated[list[AustralianState], Field(max_length=8)] = []
    ranges: Annotated[list[RangeShape], Field(max_length=500)] = []
    postcodes: Annotated[list[Postcode], Field(max_length=3000)] = []

    def territory(self) -> Territory:
        return Territory(
            states=frozenset(self.states),
            ranges=tuple(PostcodeRange(r.first, r.last) for r in self.ranges),
            postcodes=frozenset(self.postcodes),
        )

    @classmethod
    def of(cls, territory: Territory) -> "TerritoryShape":
        return cls(
            states=sorted(territory.states),
            ranges=[RangeShape(first=r.first, last=r.last) for r in territory.ranges],
            postcodes=sorted(territory.postcodes),
        )


class TerritoryChange(TerritoryShape):
    reason: Note | None = None


class CapUse(BaseModel):
    """A window of now: `used` were delivered, `reserved` are on their way."""

    kind: WindowKind
    limit: int | None
    used: int
    reserved: int
    window_start: datetime
    window_end: datetime


class InstallerRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int
    name: str
    abn: str | None
    gst_registered: bool
    email: str
    billing_email: str
    billing_address: str | None
    phone: str | None
    time_zone: str
    services: list[str]
    status: InstallerStatus
    status_since: datetime
    created_at: datetime
    hours: HoursTold = Field(description="when it takes leads, by its own clock; null is always")
    home_state: AustralianState | None
    keeps_public_holidays: bool
    share_weight: int | None = Field(description="its part among the eligible; null is its capacity in a cycle")
    caps: list[CapUse] = []
    available_actions: list[Literal["activate", "pause", "suspend"]] = Field(
        default=[], description="what the status route can make of it"
    )
    is_ready: bool = Field(default=False, description="whether nothing of its pre-flight checklist is missing")
    missing: list[Point] = Field(default=[], description="the points of its checklist that do not stand")

    @classmethod
    def of(cls, installer: Installer, usage: Iterable[WindowCount], missing: Sequence[Point]) -> "InstallerRow":
        return cls.model_validate(installer).model_copy(update=_derived(installer, usage, missing))


class AbsenceView(BaseModel):
    """It is over at the earlier of `ends_at` and `ended_at`, when it was cut short; with neither it goes on."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: AbsenceKind
    starts_at: datetime
    ends_at: datetime | None
    reason: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    available_actions: list[Literal["end"]] = []

    @classmethod
    def at(cls, absence: InstallerAbsence, now: datetime) -> "AbsenceView":
        actions = [] if obstacle_to_ending(absence, now) else ["end"]
        return cls.model_validate(absence).model_copy(update={"available_actions": actions})


class InstallerDetail(InstallerRow):
    territory: TerritoryShape = Field(default_factory=TerritoryShape)
    absences: list[AbsenceView] = Field(default=[], description="those that are not over, the first to begin first")

    @classmethod
    def of_all(
        cls,
        installer: Installer,
        usage: Iterable[WindowCount],
        territory: Territory,
        absences: Iterable[InstallerAbsence],
        missing: Sequence[Point],
        now: datetime,
    ) -> "InstallerDetail":
        more = {
            **_derived(installer, usage, missing),
            "territory": TerritoryShape.of(territory),
            "absences": [AbsenceView.at(absence, now) for absence in absences],
        }
        return cls.model_validate(installer).model_copy(update=more)


def _derived(installer: Installer, usage: Iterable[WindowCount], missing: Sequence[Point]) -> dict[str, Any]:
    actions = [action.value for action in actions_on(installer.status)]
    ready = {"is_ready": not missing, "missing": list(missing)}
    return {"caps": _caps(installer, usage), "available_actions": actions, **ready}


def _caps(installer: Installer, usage: Iterable[WindowCount]) -> list[CapUse]:
    return [
        CapUse(
            kind=count.window.kind,
            limit=installer.limits.of(count.window.kind),
            used=count.used,
            reserved=count.reserved,
            window_start=count.window.starts_at,
            window_end=count.window.ends_at,
        )
        for count in usage
    ]
