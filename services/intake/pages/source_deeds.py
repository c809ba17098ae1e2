"""What an operator does with one lead source."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import StringConstraints

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import refuse_if_changed
from chassis.console.wording import calendar_day
from chassis.database import Database
from chassis.http import Given, Line, Operator, Text
from services.intake.commands.source_keys import PREFIX_LENGTH, rotate_key
from services.intake.commands.sources import ChangeSource, rename_source, set_source_mode, set_source_rate
from services.intake.domain import SourceAction, SourceMode, obstacle_to_source
from services.intake.http.source_keys import (
    LeadSourceKeyRevocation,
    LeadSourceKeyRotation,
    revoke_lead_source_key,
)
from services.intake.http.source_rows import IssuedKey
from services.intake.http.sources import LeadSourceRevocation, Rate, SourceName, revoke_lead_source
from services.intake.keyring import KeyRing
from services.intake.models import LeadSource, LeadSourceKey
from services.intake.pages.source_new import show_key
from services.intake.pages.sources import PATH, REASON, REASON_IF_ANY, WRITE
from services.intake.settings import Settings

VERBS = {
    "create_lead_source": "made the source, with its first key",
    "rename_lead_source": "renamed it",
    "set_lead_source_mode": "set its mode",
    "set_lead_source_rate": "set its rate",
    "rotate_lead_source_key": "rotated its key",
    "revoke_lead_source_key": "revoked a key",
    "revoke_lead_source": "revoked it",
}
ONE = PATH + "/{source_id:uuid}/"


def deeds_of(
    source: LeadSource, keys: Sequence[LeadSourceKey], seen: str, operator: Operator, settings: Settings
) -> list[Action]:
    is_revoked = source.revoked_at is not None
    why: dict[SourceAction, Any] = {
        action: refused(operator, WRITE, obstacle_to_source(action, is_revoked=is_revoked)) for action in SourceAction
    }
    return [
        _rename(source, seen, why[SourceAction.RENAME]),
        _set_mode(source, seen, why[SourceAction.SET_MODE]),
        _set_rate(source, seen, settings.lead_rate_per_minute, why[SourceAction.SET_RATE]),
        _rotate_key(source, seen, settings.lead_key_overlap_hours, why[SourceAction.ROTATE_KEY]),
        _revoke_key(source, keys, operator, why[SourceAction.REVOKE_KEY]),
        _revoke(source, why[SourceAction.REVOKE]),
    ]


def _at(source: LeadSource, action: SourceAction) -> str:
    return f"{PATH}/{source.id}/{action}"


def _rename(source: LeadSource, seen: str, why: Any) -> Action:
    return Action(
        SourceAction.RENAME,
        "Rename",
        _at(source, SourceAction.RENAME),
        effect="The leads that it has handed in are shown under its new name too.",
        fields=(FormField("name", "Name", value=source.name, is_required=True, longest=120), REASON_IF_ANY),
        hidden={"seen": seen},
        done="Renamed",
        **why,
    )


def _set_mode(source: LeadSource, seen: str, why: Any) -> Action:
    is_live = source.mode is SourceMode.LIVE
    return Action(
        SourceAction.SET_MODE,
        "Switch to test mode" if is_live else "Go live",
        _at(source, SourceAction.SET_MODE),
        effect="What it hands in from then on is checked and answered, and goes to nobody. "
        "The leads it has handed in go their way."
        if is_live
        else "What it hands in from then on are leads: they are routed and billed. What it has tried out stays a test.",
        fields=(REASON,),
        hidden={"seen": seen, "mode": SourceMode.TEST if is_live else SourceMode.LIVE},
        done="It is live: what it hands in are leads" if is_live else "It is in test mode: nothing comes of its leads",
        **why,
    )


def _set_rate(source: LeadSource, seen: str, house_rate: int, why: Any) -> Action:
    house = f"{house_rate:,} a minute" if house_rate else "no limit"
    return Action(
        SourceAction.SET_RATE,
        "Set rate",
        _at(source, SourceAction.SET_RATE),
        effect="What comes beyond it in a minute is answered with 429 and how long to wait; nothing is lost by it.",
        fields=(
            FormField(
                "rate_per_minute",
                "Leads a minute",
                FieldKind.NUMBER,
                "" if source.rate_per_minute is None else str(source.rate_per_minute),
                hint=f"Left empty it has the standard: {house}",
                longest=7,
            ),
            REASON,
        ),
        hidden={"seen": seen},
        done="Its rate is set",
        **why,
    )


def _rotate_key(source: LeadSource, seen: str, overlap_hours: float, why: Any) -> Action:
    present = (
        f"The present key works on for {overlap_hours:g} h." if overlap_hours else "The present key stops at once."
    )
    return Action(
        SourceAction.ROTATE_KEY,
        "Rotate key",
        _at(source, SourceAction.ROTATE_KEY),
        effect=f"Makes a new key and shows it once. {present}",
        fields=(REASON_IF_ANY,),
        hidden={"seen": seen},
        **why,
    )


def _revoke_key(source: LeadSource, keys: Sequence[LeadSourceKey], operator: Operator, why: Any) -> Action:
    now = datetime.now(UTC)
    working = [key for key in reversed(keys) if key.obstacle(source, now) is None]
    if not working and not why:
        why = refused(operator, WRITE, "no key of it works")
    options = [(key.prefix, f"{key.begins}, made {calendar_day(key.created_at)}") for key in working]
    chosen = options[0][0] if len(options) == 1 else ""
    return Action(
        SourceAction.REVOKE_KEY,
        "Revoke a key",
        _at(source, SourceAction.REVOKE_KEY),
        effect="From then on it does not work, whatever is left of its overlap. "
        + ("The others work on." if len(working) > 1 else "It is the only one: rotate it first, unless it leaked."),
        fields=(FormField("prefix", "Key", FieldKind.CHOICE, chosen, is_required=True, options=options), REASON),
        done="That key does not work any more",
        destroys=True,
        **why,
    )


def _revoke(source: LeadSource, why: Any) -> Action:
    return Action(
        SourceAction.REVOKE,
        "Revoke source",
        _at(source, SourceAction.REVOKE),
        effect="From then on none of its keys works, and it never gets another. The leads it handed in stay.",
        fields=(REASON_IF_ANY,),
        done="Revoked: none of its keys works any more",
        destroys=True,
        **why,
    )


class RenameForm(Form):
    name: SourceName
    reason: Text | None = None
    seen: UUID | None = None


@form_at(ONE + SourceAction.RENAME, WRITE)
async def rename_by_form(
    source_id: FromPath[UUID],
    data: JSONBody[RenameForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead_source", source_id), data.seen)
        await rename_source(session, ChangeSource(source_id, operator, data.reason), data.name)
    return _done(console, source_id, SourceAction.RENAME)


class ModeForm(Form):
    mode: SourceMode
    reason: Text
    seen: UUID | None = None


@form_at(ONE + SourceAction.SET_MODE, WRITE)
async def set_mode_by_form(
    source_id: FromPath[UUID],
    data: JSONBody[ModeForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead_source", source_id), data.seen)
        await set_source_mode(session, ChangeSource(source_id, operator, data.reason), data.mode)
    key_ring.forget(source_id)
    return _done(console, source_id, SourceAction.SET_MODE)


class RateForm(Form):
    rate_per_minute: Rate | None = None
    reason: Text
    seen: UUID | None = None


@form_at(ONE + SourceAction.SET_RATE, WRITE)
async def set_rate_by_form(
    source_id: FromPath[UUID],
    data: JSONBody[RateForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead_source", source_id), data.seen)
        await set_source_rate(session, ChangeSource(source_id, operator, data.reason), data.rate_per_minute)
    key_ring.forget(source_id)
    return _done(console, source_id, SourceAction.SET_RATE)


class RotateForm(LeadSourceKeyRotation, Form):
    """As the JSON route takes it; `seen` is how the page knew the source."""

    seen: UUID | None = None


@form_at(ONE + SourceAction.ROTATE_KEY, WRITE)
async def rotate_by_form(
    source_id: FromPath[UUID],
    data: JSONBody[RotateForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> Response[str]:
    overlap = timedelta(hours=settings.lead_key_overlap_hours)
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead_source", source_id), data.seen)
        keyed = await rotate_key(session, source_id, overlap, operator, clock.now(), data.reason)
    key_ring.forget(source_id)
    return show_key(console, request, IssuedKey.of(keyed))


class RevokeKeyForm(LeadSourceKeyRevocation, Form):
    prefix: Annotated[Line, StringConstraints(max_length=PREFIX_LENGTH)]


@form_at(ONE + SourceAction.REVOKE_KEY, WRITE)
async def revoke_key_by_form(
    source_id: FromPath[UUID],
    data: JSONBody[RevokeKeyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> Redirect:
    await revoke_lead_source_key.fn(source_id, data.prefix, data, database, clock, operator, key_ring)
    return _done(console, source_id, SourceAction.REVOKE_KEY)


class RevokeForm(LeadSourceRevocation, Form):
    """As the JSON route takes it."""


@form_at(ONE + SourceAction.REVOKE, WRITE)
async def revoke_by_form(
    source_id: FromPath[UUID],
    data: JSONBody[RevokeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> Redirect:
    await revoke_lead_source.fn(source_id, database, clock, operator, key_ring, data)
    return _done(console, source_id, SourceAction.REVOKE)


def _done(console: Console, source_id: UUID, action: SourceAction) -> Redirect:
    return console.redirect(f"{PATH}/{source_id}?done={action}")


ROUTES = (
    rename_by_form,
    set_mode_by_form,
    set_rate_by_form,
    rotate_by_form,
    revoke_key_by_form,
    revoke_by_form,
)
