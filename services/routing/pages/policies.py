"""What operators declare of how leads are given, returns taken and the queue worked: one page for each kind."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.business_days import MEANT_NOTE
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Section, Table, Told, show_document
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.timeline import moments_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.commands.policies import SetPolicy, set_policy
from services.routing.domain.policies import OverQuota, Policy, PolicyKind, QueuePolicy, body_of, policy_of
from services.routing.domain.states import ExceptionReason
from services.routing.domain.waiting import kind_of
from services.routing.http.fields import Note
from services.routing.http.policies import MAY_CHANGE, read_policy, refuse_who_may_not
from services.routing.models import RoutingPolicy
from services.routing.pages.exceptions import ROOM
from services.routing.pages.reasons import REASON
from services.routing.pages.telling import EXCEPTIONS
from services.routing.pages.telling import POLICIES as PATH
from services.routing.queries import operators
from services.routing.queries.policies import newest

Number = Annotated[int, Field(strict=False, ge=0, le=100_000)]
OwnerChoice = Annotated[UUID | None, Field(strict=False), BeforeValidator(lambda written: written or None)]

TITLES: Mapping[PolicyKind, str] = {
    PolicyKind.ORDERING: "How leads are given",
    PolicyKind.QUEUE: "How the queue works",
    PolicyKind.RETURNS: "How returns are taken",
}
SENTENCES: Mapping[PolicyKind, str] = {
    PolicyKind.ORDERING: "Of those that may have a lead the one that is owed most gets it. What is declared here "
    "counts from the next decision on.",
    PolicyKind.QUEUE: "What waits is tried again by itself, and somebody is called for what nobody saw to. What is "
    "declared here counts for what is raised from now on.",
    PolicyKind.RETURNS: "What an installer gives back is decided by these. What is declared here counts for returns "
    f"that are asked for from now on. {MEANT_NOTE}",
}
LABELS = {
    "most_owed_leads": ("Owed at the most", "leads, owed or ahead"),
    "backlog_per_hour": ("Of what waited", "leads an hour for each installer"),
    "same_person_days": ("The same person again", "days until it may go to one installer twice; 0 lets it"),
    "window_business_days": ("Asked for within", "business days of the delivery"),
    "quota_percent": ("May be given back", "percent of a cycle’s deliveries"),  # noqa: RUF001  # as print has it
    "quota_least": ("And in any case", "returns a cycle"),
    "decide_business_days": ("Decided within", "business days"),
    "over_quota": ("What is over the quota", "faults of ours are outside of it"),
    "first_retry_minutes": ("First try after", "minutes"),
    "factor": ("Each wait times", "the one before"),
    "budget": ("Tries by itself", "at the most; 0 is never"),
    "escalate_minutes": ("Escalates after", "minutes"),
    "unowned_minutes": ("Nobody’s for", "minutes at the most"),  # noqa: RUF001  # as print has it
}
OVER_QUOTA: Mapping[OverQuota, str] = {
    OverQuota.ASK: "Waits for an operator, who says why where they accept it",
    OverQuota.DENY: "Is denied at once, and the installer told by mail",
}
CARE = ("first_retry_minutes", "factor", "budget", "escalate_minutes", "unowned_minutes")


class PolicyForm(Form):
    reason: Note
    version: Annotated[int, Field(strict=False, ge=1, le=1_000_000)]


class OrderingForm(PolicyForm):
    most_owed_leads: Number
    backlog_per_hour: Number
    same_person_days: Number


class ReturnsForm(PolicyForm):
    window_business_days: Number
    quota_percent: Number
    quota_least: Number
    decide_business_days: Number
    over_quota: Annotated[OverQuota, Field(strict=False)]


class CareForm(PolicyForm):
    of: Annotated[ExceptionReason, Field(strict=False)]
    first_retry_minutes: Number
    factor: Number
    budget: Number
    escalate_minutes: Number
    unowned_minutes: Number


class KeeperForm(PolicyForm):
    fallback_owner_id: OwnerChoice = None
    stale_hours: Number


@page_at(PATH + "/{kind:str}", Capability.READ_OPS)
async def show_policy(
    kind: FromPath[PolicyKind],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        row = await newest(session, kind)
        policy = policy_of(kind, row.body)
        document = Document(
            title=TITLES[kind],
            room=ROOM,
            up=("Exceptions", f"{EXCEPTIONS}?state=open"),
            states=(chip(f"Version {row.version}"),),
            sentence=SENTENCES[kind],
            facts=await _facts(session, policy, row),
            actions=await _actions(session, policy, row, operator),
            sections=_sections(policy),
            timeline=await moments_of(
                session, [Subject("routing_policy", kind)], {"set_policy": "changed it"}, console.wording
            ),
            links=[(TITLES[other], f"{PATH}/{other}") for other in PolicyKind if other is not kind],
        )
    return show_document(console, request, document, done)


async def _facts(session: AsyncSession, policy: Policy, row: RoutingPolicy) -> list[Fact]:
    stands = [Fact("In force since", Shown(row.changed_at, Kind.AGO)), Fact("Changed by", row.changed_by)]
    if isinstance(policy, QueuePolicy):
        owner = policy.fallback_owner_id
        name = None if owner is None else await operators.operator_name(session, owner)
        told = [
            Fact("What nobody takes goes to", name or "Whoever has the fewest open items"),
            Fact("Given by itself for", f"{policy.stale_hours:,} hours; then it has gone stale"),
        ]
        return [*told, *stands]
    return [*[_fact(name, value) for name, value in body_of(policy).items()], *stands]


def _fact(name: str, value: int | OverQuota) -> Fact:
    label, unit = LABELS[name]
    return Fact(label, OVER_QUOTA[value] if isinstance(value, OverQuota) else f"{value:,} {unit}")


def _sections(policy: Policy) -> Sequence[Section]:
    if not isinstance(policy, QueuePolicy):
        return ()
    heads = [("Why it waits", Kind.TEXT), ("Kind", Kind.WORD), *((LABELS[name][0], Kind.NUMBER) for name in CARE)]
    rows: list[Sequence[Told]] = [
        (words(reason), Shown(kind_of(reason), Kind.WORD), *(Shown(asdict(care)[name], Kind.NUMBER) for name in CARE))
        for reason, care in policy.kinds.items()
    ]
    note = "Minutes all of them, but for the tries and what a wait is multiplied by."
    return (Table("By reason", heads, rows, note=note),)


def _field(name: str, value: int | OverQuota) -> FormField:
    if not isinstance(value, OverQuota):
        return _number(name, value)
    label, hint = LABELS[name]
    options = [(str(each), said) for each, said in OVER_QUOTA.items()]
    return FormField(name, label, FieldKind.CHOICE, str(value), hint=hint, is_required=True, options=options)


def _number(name: str, value: int | str = "") -> FormField:
    label, hint = LABELS[name]
    return FormField(name, label, FieldKind.NUMBER, str(value), hint=hint, is_required=True, longest=6)


async def _actions(session: AsyncSession, policy: Policy, row: RoutingPolicy, operator: Operator) -> list[Action]:
    why_not = refused(operator, MAY_CHANGE[row.kind])
    hidden = {"version": str(row.version)}
    at, done = f"{PATH}/{row.kind}", "It is in force from now on"
    if not isinstance(policy, QueuePolicy):
        fields = [*(_field(name, value) for name, value in body_of(policy).items()), REASON]
        return [Action("change", "Change", f"{at}/change", fields=fields, hidden=hidden, done=done, **why_not)]
    known = [(str(each.operator_id), each.name) for each in await operators.who_may_own(session)]
    owner = FormField(
        "fallback_owner_id",
        "What nobody takes goes to",
        FieldKind.CHOICE,
        str(policy.fallback_owner_id or ""),
        hint="Empty gives it to whoever has the fewest open items",
        options=known,
    )
    stale = FormField(
        "stale_hours", "Given by itself for", FieldKind.NUMBER, str(policy.stale_hours), hint="hours", is_required=True
    )
    of = FormField("of", "Why it waits", FieldKind.CHOICE, is_required=True, options=options_of(ExceptionReason))
    return [
        Action(
            "care",
            "Change how a reason is seen to",
            f"{at}/care",
            effect="Replaces the five numbers of one reason, for what is raised from now on.",
            fields=(of, *(_number(name) for name in CARE), REASON),
            hidden=hidden,
            done=done,
            **why_not,
        ),
        Action(
            "keeper",
            "Change who gets what nobody takes",
            f"{at}/keeper",
            effect="Counts for all that waits, from now on.",
            fields=(owner, stale, REASON),
            hidden=hidden,
            done=done,
            **why_not,
        ),
    ]


async def _set(
    console: Console, database: Database, clock: Clock, operator: Operator, policy: Policy, form: PolicyForm, done: str
) -> Redirect:
    refuse_who_may_not(operator, policy.kind)
    async with database.transaction() as session:
        await set_policy(session, SetPolicy(policy, form.reason, operator, form.version), clock.now())
    return console.redirect(f"{PATH}/{policy.kind}?done={done}")


def _written(form: PolicyForm) -> dict[str, Any]:
    return form.model_dump(exclude={"reason", "version", "csrf"})


@form_at(f"{PATH}/ordering/change", Capability.WRITE_ROUTING)
async def set_ordering_by_form(
    data: JSONBody[OrderingForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    policy = read_policy(PolicyKind.ORDERING, _written(data))
    return await _set(console, database, clock, operator, policy, data, "change")


@form_at(f"{PATH}/returns/change", Capability.MANAGE_BILLING_OPS)
async def set_returns_by_form(
    data: JSONBody[ReturnsForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    policy = read_policy(PolicyKind.RETURNS, _written(data))
    return await _set(console, database, clock, operator, policy, data, "change")


@form_at(f"{PATH}/queue/care", Capability.WRITE_ROUTING)
async def set_care_by_form(
    data: JSONBody[CareForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    written = _written(data)
    reason = written.pop("of")
    before = await _queue_policy(database)
    cares = {each.value: asdict(care) for each, care in before.kinds.items()} | {reason.value: written}
    policy = read_policy(PolicyKind.QUEUE, body_of(before) | {"kinds": cares})
    return await _set(console, database, clock, operator, policy, data, "care")


@form_at(f"{PATH}/queue/keeper", Capability.WRITE_ROUTING)
async def set_keeper_by_form(
    data: JSONBody[KeeperForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    owner = None if data.fallback_owner_id is None else str(data.fallback_owner_id)
    told = {"fallback_owner_id": owner, "stale_hours": data.stale_hours}
    policy = read_policy(PolicyKind.QUEUE, body_of(await _queue_policy(database)) | told)
    return await _set(console, database, clock, operator, policy, data, "keeper")


async def _queue_policy(database: Database) -> QueuePolicy:
    """As it stands; one that changes before it is set is refused by its version."""
    async with database.reading() as session:
        found = policy_of(PolicyKind.QUEUE, (await newest(session, PolicyKind.QUEUE)).body)
    assert isinstance(found, QueuePolicy)  # noqa: S101  # by its kind
    return found


ROUTES = (set_care_by_form, set_keeper_by_form, set_ordering_by_form, set_returns_by_form, show_policy)
