"""Clients and their boards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis.database import Database
from contracts.envelope import decode_body
from contracts.intake import BoardClosed, BoardOpened, ClientChanged
from services.intake.commands.boards import OpenBoard, close_board, open_board
from services.intake.commands.clients import ClientTerms, change_client
from services.intake.domain import BoardStatus
from services.intake.errors import BoardNotFound, ClientNotFound, ClientUnknown
from services.intake.models import Board, Client
from tests.intake.samples import NOW, OPERATOR, TERMS, count, new_board, new_client, rows
from tests.kit.databases import RolledBackDatabase


async def changed(database: Database, client: Client, **changes: Any) -> Client:
    async with database.transaction() as session:
        return await change_client(session, client.id, changes, OPERATOR)


async def closed(database: Database, board: Board, days: int = 1) -> Board:
    async with database.transaction() as session:
        return await close_board(session, board.id, OPERATOR, NOW + timedelta(days=days))


async def bodies(database: Database, topic: str) -> list[bytes]:
    return [row["body"] for row in await rows(database, f"SELECT body FROM outbox WHERE topic = '{topic}' ORDER BY id")]


class TestCreateClient:
    async def test_publishes_its_full_state(self, database: RolledBackDatabase) -> None:
        client = await new_client(database)
        (body,) = await bodies(database, "intake.clients")
        event = decode_body(ClientChanged, body)
        assert event.client_id == client.id
        assert (event.client.version, event.client.abn, event.client.terms_days) == (1, "51824753556", 30)


class TestChangeClient:
    async def test_changes_what_is_given_and_publishes_the_next_version(self, database: RolledBackDatabase) -> None:
        client = await new_client(database)
        after = await changed(database, client, terms_days=14, abn=None)
        assert ClientTerms.of(after) == replace(TERMS, terms_days=14, abn=None)
        event = decode_body(ClientChanged, (await bodies(database, "intake.clients"))[-1])
        assert (event.client.version, event.client.terms_days, event.client.abn) == (2, 14, None)

    async def test_audits_the_fields_that_differ(self, database: RolledBackDatabase) -> None:
        client = await new_client(database)
        await changed(database, client, terms_days=14, name=TERMS.name)
        (entry,) = await rows(database, "SELECT before, after FROM audit_entries WHERE action = 'change_client'")
        assert entry == {"before": {"terms_days": 30}, "after": {"terms_days": 14}}

    async def test_what_changes_nothing_says_nothing(self, database: RolledBackDatabase) -> None:
        client = await new_client(database)
        assert (await changed(database, client, name=TERMS.name)).version == 1
        assert (await count(database, "outbox"), await count(database, "audit_entries")) == (1, 1)

    async def test_refuses_a_client_that_is_not_there(self, database: RolledBackDatabase) -> None:
        with pytest.raises(ClientNotFound):
            async with database.transaction() as session:
                await change_client(session, OPERATOR.id, {}, OPERATOR)


class TestOpenBoard:
    async def test_is_open_and_published(self, database: RolledBackDatabase) -> None:
        client = await new_client(database)
        board = await new_board(database, client)
        event = decode_body(BoardOpened, (await bodies(database, "intake.boards"))[0])
        assert (event.board_id, event.client_id) == (board.id, client.id)
        assert (board.status, event.contracted_amount_cents, event.currency) == (BoardStatus.OPEN, 1_250_000, "AUD")

    async def test_refuses_a_client_that_is_not_there(self, database: RolledBackDatabase) -> None:
        command = OpenBoard(OPERATOR.id, "Market entry", 1, "AUD", None, OPERATOR, NOW)
        with pytest.raises(ClientUnknown):
            async with database.transaction() as session:
                await open_board(session, command)


class TestCloseBoard:
    async def test_publishes_the_client_as_it_is_now_with_its_version(self, database: RolledBackDatabase) -> None:
        client = await new_client(database)
        board = await new_board(database, client)
        await changed(database, client, billing_email="ap@wattle.example")
        await closed(database, board)
        event = decode_body(BoardClosed, (await bodies(database, "intake.boards"))[-1])
        assert (event.client.version, event.client.billing_email) == (2, "ap@wattle.example")
        assert (event.purchase_order, event.closed_at) == ("PO-4471", NOW + timedelta(days=1))

    async def test_done_twice_answers_the_same(self, database: RolledBackDatabase) -> None:
        board = await new_board(database, await new_client(database))
        first, second = await closed(database, board), await closed(database, board, days=2)
        assert (first.closed_at, first.version) == (second.closed_at, second.version)
        assert len(await bodies(database, "intake.boards")) == 2

    async def test_refuses_a_board_that_is_not_there(self, database: RolledBackDatabase) -> None:
        with pytest.raises(BoardNotFound):
            async with database.transaction() as session:
                await close_board(session, OPERATOR.id, OPERATOR, NOW)
