"""One sender account: how it fares by which figures, what it carries, and its rests by an operator's word."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Table, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, moments_of, refuse_if_changed, seen_of
from chassis.console.wording import Wording, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.notifications.commands.accounts import DEFAULT_ACCOUNT, change_account
from services.notifications.domain.accounts import (
    BOUNCE_SAMPLE,
    HIGHEST_BOUNCE_RATE,
    AccountAction,
    AccountState,
    day_start,
    obstacle_to,
)
from services.notifications.http.accounts import (
    ChangeState,
    MailClasses,
    SenderAccountChanges,
    refuse_unknown_secret,
    resume_sender_account,
    suspend_sender_account,
)
from services.notifications.http.health import AccountHealth, show_email_health
from services.notifications.models import SenderAccount
from services.notifications.pages.email_health import PATH, ROOM, WRITE, next_told, profile_fields, share
from services.notifications.pages.words import ACCOUNT_TONES, HEALTH_REASONS
from services.notifications.queries.accounts import DayCounts, counts_by_day, one_account
from services.notifications.settings import Settings

DAYS_SHOWN = 7
VERBS = {
    "add_sender_account": "added it",
    "change_sender_account": "changed it",
    "suspend_sender_account": "suspended it",
    "resume_sender_account": "resumed it",
}
EDIT = "edit"


class StateForm(ChangeState, Form):
    """As the JSON route takes it."""


class EditForm(SenderAccountChanges, Form):
    """All of the profile as the page showed it; `seen` is what its page knew last."""

    mail_classes: MailClasses
    seen: Annotated[UUID | None, Field()] = None

    def given(self) -> dict[str, Any]:
        sent = self.model_fields_set & set(SenderAccountChanges.model_fields)
        return {name: getattr(self, name) for name in sent}


@page_at(PATH + "/{account_id:uuid}", Capability.READ_OPS)
async def show_account(
    account_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    subject = Subject("sender_account", account_id)
    first_day = day_start(clock.now() - timedelta(days=DAYS_SHOWN - 1), settings.zone)
    async with database.reading() as session:
        account = await one_account(session, account_id)
        days = await counts_by_day(session, account_id, first_day, settings.zone)
        timeline = await moments_of(session, [subject], VERBS, console.wording)
        seen = await seen_of(session, subject)
    all_health = await show_email_health.fn(database, clock, settings)
    health = next(each for each in all_health.accounts if each.id == account_id)
    actions = [_suspend(account, operator), _resume(account, operator), _edit(account, operator, seen)]
    return show_document(console, request, _document(account, health, days, actions, timeline, console.wording), done)


def _document(
    account: SenderAccount,
    health: AccountHealth,
    days: Sequence[DayCounts],
    actions: Sequence[Action],
    timeline: Sequence[Moment],
    wording: Wording,
) -> Document:
    return Document(
        title=account.name,
        room=ROOM,
        up=("Email health", PATH),
        states=(chip(words(health.state), ACCOUNT_TONES.get(health.state, "")),),
        sentence=_sentence(health, wording),
        facts=_facts(account, health),
        actions=actions,
        sections=(_days(days),),
        timeline=timeline,
        links=(("Its messages", f"/console/messages?account={account.id}"),),
    )


def _sentence(health: AccountHealth, wording: Wording) -> str:
    why = f": {HEALTH_REASONS[health.reason]}" if health.reason else ""
    after = "" if health.state is AccountState.ACTIVE else f" {next_told(health, wording)}."
    return f"{words(health.state)} since {wording.exact(health.state_since)}{why}.{after}"


def _facts(account: SenderAccount, health: AccountHealth) -> list[Fact]:
    rate = share(health.refusals_24h, health.sends_24h)
    return [
        Fact("From", f"{account.from_name} <{account.from_address}>"),
        Fact("Carries", ", ".join(words(each) for each in account.mail_classes)),
        Fact("Sent today", f"{health.sends_today:,} of {health.daily_cap:,}"),
        Fact("Bounces in 24 hours", f"{rate}, {health.refusals_24h:,} of {health.sends_24h:,}"),
        Fact("Rests for bounces", f"Over {HIGHEST_BOUNCE_RATE * 100:.0f} % of at least {BOUNCE_SAMPLE}"),
        Fact("Faults in a row", Shown(health.faults_in_a_row, Kind.NUMBER)),
        Fact("Faults today", Shown(health.faults_today, Kind.NUMBER)),
        Fact("Failed sign-ins in a row", Shown(health.authentication_failures, Kind.NUMBER)),
        Fact("In hand", Shown(health.in_hand, Kind.NUMBER)),
        Fact("Weight", Shown(account.weight, Kind.NUMBER)),
        Fact("Name of the secret", Shown(account.secret_name, Kind.ID)),
        Fact("Added", Shown(account.created_at, Kind.INSTANT)),
    ]


def _days(days: Sequence[DayCounts]) -> Table:
    heads = (
        ("Day", Kind.DAY),
        ("Sent", Kind.NUMBER),
        ("Bounced", Kind.NUMBER),
        ("Bounce rate", Kind.NUMBER),
        ("Faults", Kind.NUMBER),
    )
    rows = [
        (
            Shown(each.day, Kind.DAY),
            Shown(each.sends, Kind.NUMBER),
            Shown(each.refusals, Kind.NUMBER),
            share(each.refusals, each.sends),
            Shown(each.faults, Kind.NUMBER),
        )
        for each in days
    ]
    return Table("The last seven days", heads, rows, empty="It has sent nothing.")


REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=500)


def _suspend(account: SenderAccount, operator: Operator) -> Action:
    return Action(
        AccountAction.SUSPEND,
        "Suspend",
        f"{PATH}/{account.id}/suspend",
        effect="Nothing more goes out by it until somebody resumes it. What it has in hand is seen to its end, and "
        "the other accounts take over what they may.",
        fields=(REASON,),
        done="Suspended",
        **refused(operator, WRITE, obstacle_to(AccountAction.SUSPEND, account.state)),
    )


def _resume(account: SenderAccount, operator: Operator) -> Action:
    return Action(
        AccountAction.RESUME,
        "Resume",
        f"{PATH}/{account.id}/resume",
        effect="Its next mail is a probe; once that is accepted, it sends as before. Bounces and faults are counted "
        "anew.",
        fields=(REASON,),
        done="Resumed",
        is_primary=True,
        **refused(operator, WRITE, obstacle_to(AccountAction.RESUME, account.state)),
    )


def _edit(account: SenderAccount, operator: Operator, seen: str) -> Action:
    # The sender of the first account is the settings' own: it is written again at each start.
    kept = " From and the sender's name come from the settings again at each start."
    return Action(
        EDIT,
        "Edit",
        f"{PATH}/{account.id}/edit",
        effect="Holds from the next mail on." + (kept if account.name == DEFAULT_ACCOUNT else ""),
        fields=profile_fields(account),
        hidden={"seen": seen},
        done="Changed",
        **refused(operator, WRITE),
    )


@form_at(PATH + "/{account_id:uuid}/suspend", WRITE)
async def suspend_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[StateForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await suspend_sender_account.fn(account_id, ChangeState(reason=data.reason), database, clock, operator)
    return console.redirect(f"{PATH}/{account_id}?done={AccountAction.SUSPEND}")


@form_at(PATH + "/{account_id:uuid}/resume", WRITE)
async def resume_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[StateForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await resume_sender_account.fn(account_id, ChangeState(reason=data.reason), database, clock, operator)
    return console.redirect(f"{PATH}/{account_id}?done={AccountAction.RESUME}")


@form_at(PATH + "/{account_id:uuid}/edit", WRITE)
async def edit_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[EditForm],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    changes = data.given()
    if "secret_name" in changes:
        refuse_unknown_secret(settings, data.secret_name)
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("sender_account", account_id), data.seen)
        await change_account(session, account_id, changes, operator)
    return console.redirect(f"{PATH}/{account_id}?done={EDIT}")


ROUTES = (show_account, suspend_by_form, resume_by_form, edit_by_form)
