"""Email health: every sender account with why it sends or does not, and what happens to it next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from markupsafe import Markup

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Table
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.wording import DASH, Wording, span
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.notifications.domain.accounts import AccountState
from services.notifications.domain.messages import MailClass
from services.notifications.http.accounts import MailClasses, NewSenderAccount, add_sender_account
from services.notifications.http.health import AccountHealth, EmailHealth, show_email_health
from services.notifications.models import SenderAccount
from services.notifications.pages.words import ACCOUNT_TONES, HEALTH_REASONS
from services.notifications.queries.standings import Piled, undelivered
from services.notifications.settings import Settings

ROOM = "email-health"
PATH = "/console/email-health"
WRITE = Capability.MANAGE_ADMIN_ACCESS
ON_ITS_WAY = "/console/messages?state=queued&state=sending&state=deferred&state=unknown"


class NewAccountForm(NewSenderAccount, Form):
    """As the JSON route takes it. What an account carries is said: a list that nobody ticks is none."""

    mail_classes: MailClasses


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure above the table; `path` leads to what it counts."""

    title: str
    figure: str
    trend: str
    path: str


@page_at(PATH, Capability.READ_OPS)
async def show_accounts(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Response[str]:
    health = await show_email_health.fn(database, clock, settings)
    async with database.reading() as session:
        piled = await undelivered(session)
    context = {
        "tiles": _tiles(health, piled),
        "table": _table(health.accounts, console.wording),
        "may_add": operator.can(WRITE),
        "path": PATH,
    }
    return console.page(request, "email_health.html", context, room=ROOM)


def _tiles(health: EmailHealth, piled: Piled) -> list[Tile]:
    sends, cap = (sum(getattr(each, name) for each in health.accounts) for name in ("sends_today", "daily_cap"))
    tried, refusals = (sum(getattr(each, name) for each in health.accounts) for name in ("sends_24h", "refusals_24h"))
    waiting = health.waiting
    late = f"{waiting.overdue:,} overdue" if waiting.overdue else "None is overdue"
    since = f"; the first for {span(health.as_of - waiting.overdue_since)}" if waiting.overdue_since else ""
    return [
        Tile("Sent today", f"{sends:,}", f"of {cap:,} that the accounts may send", "/console/messages"),
        Tile(
            "Bounced in 24 hours",
            share(refusals, tried),
            f"{refusals:,} of {tried:,}",
            "/console/messages?state=bounced",
        ),
        Tile("Waiting to go out", f"{waiting.queued + waiting.deferred:,}", late + since, ON_ITS_WAY),
        Tile(
            "Not delivered",
            f"{piled.number:,}",
            "Nothing has taken their place" if piled.number else "Nothing needs a look",
            "/console/messages?attention=undelivered",
        ),
    ]


def share(part: int, whole: int) -> str:
    """A dash where nothing was tried: that is no good rate."""
    return f"{part / whole * 100:.1f} %" if whole else DASH


def _table(accounts: Sequence[AccountHealth], wording: Wording) -> Table:
    heads = (
        ("Account", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Why", Kind.TEXT),
        ("Next", Kind.TEXT),
        ("Sent today", Kind.NUMBER),
        ("Bounces, 24 h", Kind.NUMBER),
        ("Faults today", Kind.NUMBER),
        ("Since", Kind.AGO),
    )
    return Table("Sender accounts", heads, [_row(each, wording) for each in accounts])


def _row(each: AccountHealth, wording: Wording) -> Sequence[Shown | Markup | str]:
    return (
        Shown(each.name, path=f"{PATH}/{each.id}"),
        Shown(each.state, Kind.CHIP, tones=ACCOUNT_TONES),
        Shown(HEALTH_REASONS[each.reason] if each.reason else None),
        next_told(each, wording),
        f"{each.sends_today:,} of {each.daily_cap:,}",
        f"{share(each.refusals_24h, each.sends_24h)} of {each.sends_24h:,}" if each.sends_24h else DASH,
        Shown(each.faults_today, Kind.NUMBER),
        Shown(each.state_since, Kind.AGO),
    )


def next_told(each: AccountHealth, wording: Wording) -> str:
    """What happens to it by itself, or who has to do something."""
    at = wording.exact(each.next_change_at)
    match each.state:
        case AccountState.ACTIVE:
            return DASH
        case AccountState.THROTTLED:
            return f"Full speed at {at}" if each.next_change_at else "Full speed by itself"
        case AccountState.COOLDOWN:
            return f"One probe at {at}"
        case AccountState.PROBING:
            return "Its next mail is a probe"
        case AccountState.SUSPENDED | AccountState.DISABLED:
            return "Waits for an operator to resume it"


def profile_fields(account: SenderAccount | None) -> Sequence[FormField]:
    """Those of a new account, or of one as it is."""

    def held(name: str) -> str:
        return str(getattr(account, name)) if account else ""

    secret = (
        "SMTP_URL, or SMTP_URL_ and a name: where the server's address and password are kept. They are never shown."  # noqa: S105  # a hint
    )
    return (
        FormField("name", "Name", value=held("name"), is_required=True),
        FormField("from_address", "From", FieldKind.EMAIL, held("from_address"), is_required=True, longest=254),
        FormField("from_name", "Name of the sender", value=held("from_name"), is_required=True),
        FormField(
            "secret_name", "Name of the secret", value=held("secret_name"), hint=secret, is_required=True, longest=100
        ),
        FormField(
            "daily_cap",
            "Mails a day",
            FieldKind.NUMBER,
            held("daily_cap"),
            "Gmail takes 500, Google Workspace 2,000",
            is_required=True,
        ),
        FormField(
            "mail_classes",
            "Carries",
            FieldKind.CHOICES,
            account.mail_classes if account else [MailClass.TRANSACTIONAL.value],
            options=options_of(MailClass),
        ),
        FormField(
            "weight",
            "Weight",
            FieldKind.NUMBER,
            held("weight") or "1",
            "Its share of the mail beside the other accounts, 1 to 1,000",
            is_required=True,
        ),
    )


@page_at(f"{PATH}/new", WRITE)
async def show_new_account(
    request: Request[Any, Any, Any], console: Given[Console], operator: Given[Operator]
) -> Response[str]:
    action = Action(
        "add",
        "Add account",
        f"{PATH}/new",
        effect="It sends as soon as there is something to send.",
        fields=profile_fields(None),
        **refused(operator, WRITE),
    )
    context = {"title": "New sender account", "up": ("Email health", PATH), "action": action}
    return console.page(request, "new.html", context, room=ROOM)


@form_at(f"{PATH}/new", WRITE)
async def add_by_form(
    data: JSONBody[NewAccountForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    asked = NewSenderAccount(**data.model_dump(include=set(NewSenderAccount.model_fields)))
    account = await add_sender_account.fn(asked, database, clock, settings, operator)
    return console.redirect(f"{PATH}/{account.id}")


ROUTES = (show_accounts, show_new_account, add_by_form)
