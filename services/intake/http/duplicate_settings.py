"""From which score on leads are held, shown for review, or rejected; and what other thresholds would do."""

from datetime import datetime, timedelta
from typing import Annotated

from litestar import get, post, put
from litestar.params import JSONBody
from pydantic import BaseModel, ConfigDict, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.thresholds import ChangeThresholds, change_thresholds, refuse_impossible
from services.intake.domain.duplicates import FARTHEST_DAYS, KEPT_FROM, MOST, Scope, Thresholds

WRITE = Capability.WRITE_ROUTING
TRIED_ON = timedelta(days=30)
Threshold = Annotated[int, Field(ge=KEPT_FROM, le=MOST)]


class ThresholdsBody(Body):
    """Scores are of 100. Without `reject_from` nothing is rejected by itself."""

    is_on: bool
    hold_from: Threshold
    review_from: Threshold
    reject_from: Threshold | None = None
    look_back_days: Annotated[int, Field(ge=1, le=FARTHEST_DAYS)]
    scope: Scope

    def thresholds(self) -> Thresholds:
        return Thresholds(*(getattr(self, name) for name in Thresholds.__slots__))


class ThresholdsChange(ThresholdsBody):
    """`reason` is the operator's own words."""

    reason: Text


class SettingsRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    is_on: bool
    hold_from: int
    review_from: int
    reject_from: int | None
    look_back_days: int
    scope: Scope
    version: int
    changed_at: datetime | None
    changed_by: str | None


class EffectRow(BaseModel):
    """Leads, by what the thresholds make of them; of those held what became of them since."""

    model_config = ConfigDict(from_attributes=True)

    held: int
    reviewed: int
    rejected: int
    held_and_merged: int
    held_and_dismissed: int
    merged_unseen: int


class Preview(BaseModel):
    """What the leads received since `first` would have met: by the settings as they are now, and as they are given."""

    first: datetime
    now: EffectRow
    then: EffectRow


@get("/admin/duplicate-settings", guards=[requires(Capability.READ_OPS)])
async def get_duplicate_settings(database: Given[Database]) -> SettingsRow:
    """The thresholds as they are now."""
    async with database.reading() as session:
        return SettingsRow.model_validate(await queries.duplicate_settings(session))


@put("/admin/duplicate-settings", guards=[requires(WRITE)])
async def change_duplicate_settings(
    data: JSONBody[ThresholdsChange], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> SettingsRow:
    """Replace the thresholds, for what comes in from now on."""
    command = ChangeThresholds(data.thresholds(), data.reason, operator, clock.now())
    async with database.transaction() as session:
        return SettingsRow.model_validate(await change_thresholds(session, command))


@post("/admin/duplicate-settings/preview", guards=[requires(Capability.READ_OPS)], status_code=200)
async def preview_duplicate_settings(
    data: JSONBody[ThresholdsBody], database: Given[Database], clock: Given[Clock]
) -> Preview:
    """What the thresholds would have done with the leads of the last 30 days; nothing is saved, and nothing is done."""
    given = data.thresholds()
    refuse_impossible(given)
    end = clock.now()
    first = end - TRIED_ON
    async with database.reading() as session:
        now = await queries.effect_of(session, await queries.thresholds(session), first, end)
        then = await queries.effect_of(session, given, first, end)
    return Preview(first=first, now=EffectRow.model_validate(now), then=EffectRow.model_validate(then))


ROUTES = (get_duplicate_settings, change_duplicate_settings, preview_duplicate_settings)
