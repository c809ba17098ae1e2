"""Parked events: what this service was sent and could not apply, each with why, and what can be done with it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy import Row, or_, select

from chassis import parking
from chassis.audit import Subject
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Note, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.listing import Choice, Column, Days, Empty, Listing, Search, Tab, Text, among, routes_of
from chassis.console.lists.filters import FoldedText, Held, Sent
from chassis.console.page import Console
from chassis.console.routes import form_at, page_at
from chassis.console.siblings import PARKED_EVENTS
from chassis.console.timeline import moments_of
from chassis.console.wording import sentence, words
from chassis.database import Database
from chassis.http.auth import Operator
from chassis.http.forms import Form
from chassis.http.given import Given
from chassis.http.parked import (
    SUBJECT,
    DiscardParkedEvent,
    ReplayParkedEvent,
    discard_parked_event,
    replay_parked_event,
)
from chassis.parking import RELAY, VERSION_GAP, ParkedState
from chassis.replay import Replayer
from chassis.tables import parked_events
from contracts.identity import Capability

ROOM = "parked-events"
EVENT = parked_events.c
TONES = {ParkedState.PARKED: "danger", ParkedState.REPLAYED: "positive"}
VERBS = {"replay_parked_event": "replayed it", "discard_parked_event": "discarded it"}


class ReplayForm(ReplayParkedEvent, Form):
    """As the JSON route takes it."""


class DiscardForm(DiscardParkedEvent, Form):
    """As the JSON route takes it."""


@dataclass(frozen=True, slots=True)
class MayBe(FoldedText):
    """Events of a type, and those of which nobody can tell that they are not: unreadable, or in the place of others."""

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        held = FoldedText.read(self, sent, zone)
        if held is None:
            return None
        (type_,) = held.value
        nobody_knows = or_(EVENT.event_type.is_(None), EVENT.reason_code == VERSION_GAP)
        return Held(or_(EVENT.event_type == type_, nobody_knows) & (EVENT.consumer != RELAY), held.told, held.value)


def parked_of(service: str) -> Listing:
    path = PARKED_EVENTS.path(service)
    return Listing(
        name=ROOM,
        title="Parked events",
        noun=("event", "events"),
        path=path,
        capability=Capability.READ_OPS,
        rows=select().select_from(parked_events),
        key=EVENT.id,
        order="parked",
        siblings=PARKED_EVENTS,
        note="An event from another service that could not be applied waits here, and the later ones of the same thing "
        "wait behind it. Everything else goes on.",
        columns=(
            Column("event", "Event", EVENT.event_type, say=lambda row: row.event or "Not readable"),
            Column("reason", "Why it waits", EVENT.reason_code, Kind.WORD),
            Column("detail", "What was seen", EVENT.reason_detail, say=lambda row: sentence(row.detail), wraps=True),
            Column("state", "State", EVENT.state, Kind.CHIP, tone=TONES),
            Column("parked", "Since", EVENT.parked_at, Kind.AGO, sorts=True),
            Column("attempts", "Tries", EVENT.attempts, Kind.NUMBER),
            Column("topic", "From", EVENT.topic),
            Column("offset", "Place", EVENT.record_offset, is_extra=True),
            Column("partition", "Partition", EVENT.partition, is_extra=True),
            Column("event_id", "Event id", EVENT.event_id, Kind.ID, is_extra=True),
            Column("settled", "Settled", EVENT.settled_at, Kind.AGO, is_extra=True),
        ),
        filters=(
            Search("q", "Event or id", texts=(EVENT.event_type, EVENT.reason_code), ids=(EVENT.id, EVENT.event_id)),
            Choice("state", "State", options=among(EVENT.state, ParkedState)),
            Text("topic", "From", column=EVENT.topic),
            MayBe("may_be", "What may be", column=EVENT.event_type),
            Days("parked", "Since", column=EVENT.parked_at),
        ),
        tabs=(Tab("Waits", "state=parked"), Tab("Replayed", "state=replayed"), Tab("Discarded", "state=discarded")),
        document=lambda row: f"{path}/{row.id}",
        empty=Empty("No event waits", "One that cannot be applied comes here by itself, with why.", "circle-check"),
    )


def parked_routes(service: str) -> tuple[HTTPRouteHandler, ...]:
    listing = parked_of(service)
    return (*routes_of(listing), _page(listing.path), _replay(listing.path), _discard(listing.path))


def _page(path: str) -> HTTPRouteHandler:
    @page_at(path + "/{parked_event_id:uuid}", Capability.READ_OPS)
    async def show_parked(
        parked_event_id: FromPath[UUID],
        request: Request[Any, Any, Any],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
        done: Done = None,
    ) -> Response[str]:
        async with database.reading() as session:
            event = await parking.find(session, parked_event_id)
            first = await parking.first_in_lane(session, event.consumer, event.topic, event.key, event.id)
            moments = await moments_of(session, [Subject(SUBJECT, event.id)], VERBS, console.wording)
        document = Document(
            title=event.event_type or "An event that cannot be read",
            room=ROOM,
            up=("Parked events", f"{path}?state=parked"),
            states=(chip(words(event.state), TONES.get(event.state, "")),),
            sentence=f"{sentence(event.reason_detail)}.",
            notes=_behind(event, first, path),
            facts=_facts(event),
            actions=_actions(event, first, operator, path),
            timeline=moments,
        )
        return show_document(console, request, document, done)

    return show_parked


def _replay(path: str) -> HTTPRouteHandler:
    @form_at(path + "/{parked_event_id:uuid}/replay", Capability.MANAGE_ADMIN_ACCESS)
    async def replay_by_form(
        parked_event_id: FromPath[UUID],
        data: JSONBody[ReplayForm],
        console: Given[Console],
        database: Given[Database],
        replayer: Given[Replayer],
        operator: Given[Operator],
    ) -> Redirect:
        await replay_parked_event.fn(parked_event_id, database, replayer, operator, data)
        return console.redirect(f"{path}/{parked_event_id}?done=replay")

    return replay_by_form


def _discard(path: str) -> HTTPRouteHandler:
    @form_at(path + "/{parked_event_id:uuid}/discard", Capability.MANAGE_ADMIN_ACCESS)
    async def discard_by_form(
        parked_event_id: FromPath[UUID],
        data: JSONBody[DiscardForm],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Redirect:
        await discard_parked_event.fn(parked_event_id, data, database, operator)
        return console.redirect(f"{path}/{parked_event_id}?done=discard")

    return discard_by_form


def _behind(event: Row[Any], first: Row[Any] | None, path: str) -> list[Note]:
    if event.state != ParkedState.PARKED or first is None or first.id == event.id:
        return []
    told = "It waits behind an earlier event of the same thing"
    return [
        Note(told, "Settle that one first.", "warning", [(f"Open {first.event_type or 'it'}", f"{path}/{first.id}")])
    ]


def _facts(event: Row[Any]) -> list[Fact]:
    key = event.key.decode("utf-8", "replace") if event.key else None
    return [
        Fact("Why it waits", Shown(event.reason_code, Kind.WORD)),
        Fact("Since", Shown(event.parked_at, Kind.INSTANT)),
        Fact("Tries", Shown(event.attempts, Kind.NUMBER)),
        Fact("From", Shown(event.topic)),
        Fact("About", Shown(key, Kind.ID)),
        Fact("Version", Shown(event.aggregate_version)),
        Fact("Event id", Shown(str(event.event_id) if event.event_id else None, Kind.ID)),
        Fact("Read by", Shown(event.consumer)),
        Fact("Place", f"partition {event.partition}, offset {event.record_offset}"),
        Fact("Settled", Shown(event.settled_at, Kind.INSTANT)),
        Fact("Settled because", Shown(event.settled_reason)),
    ]


def _actions(event: Row[Any], first: Row[Any] | None, operator: Operator, path: str) -> list[Action]:
    """By the rules of replay and discard: only what waits, and only the first of what waits for one another."""
    obstacle = None
    if event.state != ParkedState.PARKED:
        obstacle = f"it is {event.state}"
    elif first is not None and first.id != event.id:
        obstacle = "an earlier event of the same thing has to be settled first"
    why = refused(operator, Capability.MANAGE_ADMIN_ACCESS, obstacle)
    return [
        Action(
            "replay",
            "Replay",
            f"{path}/{event.id}/replay",
            effect="Applies it now, and then those that wait behind it in their order. If it fails again it stays.",
            fields=(
                FormField(
                    "despite_gap",
                    "Although an earlier one has not come",
                    FieldKind.CHECK,
                    hint="Gives up the missing ones for good",
                ),
            ),
            done="Replayed",
            **why,
        ),
        Action(
            "discard",
            "Discard",
            f"{path}/{event.id}/discard",
            effect="Gives it up for good: what it says will never be known here. The reason is kept.",
            fields=(FormField("reason", "Reason", FieldKind.PROSE, is_required=True),),
            destroys=True,
            done="Discarded",
            **why,
        ),
    ]
