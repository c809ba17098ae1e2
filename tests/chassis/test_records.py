"""What the runtime makes of a record before any handler sees it."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from chassis.ordering import waves
from chassis.outbox import pack_headers, unpack_headers
from chassis.records import Arrival, decode
from contracts.envelope import Event
from contracts.notifications import MessageAccepted, MessageFailed
from contracts.values import MessagePurpose
from tests.kit.records import record_of

HANDLED = {"message.accepted": object()}


def accepted(message_id: UUID | None = None) -> MessageAccepted:
    return MessageAccepted(
        message_id=message_id or uuid4(),
        purpose=MessagePurpose.LEAD_DELIVERY,
        subject_kind="assignment",
        subject_id=uuid4(),
        accepted_at=datetime.now(UTC),
    )


def failed(message_id: UUID) -> MessageFailed:
    return MessageFailed(
        message_id=message_id,
        purpose=MessagePurpose.LEAD_DELIVERY,
        subject_kind="assignment",
        subject_id=uuid4(),
        reason_code="recipient_refused",
        failed_at=datetime.now(UTC),
    )


def arrival_of(event: Event, offset: int = 0) -> Arrival:
    return decode(record_of(event, offset=offset), {"message.accepted": 1, "message.failed": 1}, 10_000)


class TestDecode:
    def test_a_good_record_becomes_its_event(self) -> None:
        event = accepted()
        arrival = decode(record_of(event), HANDLED, 10_000)
        assert arrival.incoming is not None
        assert arrival.incoming.event == event

    def test_a_type_that_the_consumer_does_not_take_is_ignored_and_not_parked(self) -> None:
        arrival = decode(record_of(failed(uuid4())), HANDLED, 10_000)
        assert arrival.is_ignored
        assert arrival.malformed is None

    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda r: setattr(r, "value", b"{"), "json_invalid"),
            (lambda r: setattr(r, "value", b"{}"), "schema_invalid"),
            (lambda r: setattr(r, "value", json.dumps({"message_id": 3}).encode()), "schema_invalid"),
            (lambda r: setattr(r, "value", None), "body_null"),
            (lambda r: setattr(r, "value", b"x" * 10_001), "body_too_large"),
            (lambda r: r.headers.append(("extra", None)), "header_null"),
            (lambda r: r.headers.append(("extra", b"\xff")), "header_not_utf8"),
            (lambda r: setattr(r, "headers", []), "envelope_incomplete"),
            (lambda r: r.headers.append(("ce_type", b"message.imagined")), "type_unknown"),
            (lambda r: r.headers.append(("ce_id", b"no uuid")), "envelope_invalid"),
            (lambda r: r.headers.append(("ce_specversion", b"0.3")), "envelope_invalid"),
            (lambda r: setattr(r, "key", b"another"), "key_not_subject"),
            (lambda r: setattr(r, "key", None), "key_not_subject"),
        ],
    )
    def test_whatever_is_wrong_has_a_name(self, spoil, code: str) -> None:  # type: ignore[no-untyped-def]
        record = record_of(accepted())
        spoil(record)
        arrival = decode(record, HANDLED, 10_000)
        assert arrival.malformed is not None
        assert arrival.malformed.code == code


class TestPackedHeaders:
    def test_any_bytes_and_null_survive(self) -> None:
        headers: list[tuple[str, bytes | None]] = [("a", bytes(range(256))), ("a", None), ("b", "é".encode())]
        assert unpack_headers(pack_headers(headers)) == headers


class TestWaves:
    def test_events_of_one_type_are_one_call(self) -> None:
        calls = waves([arrival_of(accepted(), n) for n in range(5)])
        assert [(type_, len(batch)) for type_, batch in calls] == [("message.accepted", 5)]

    def test_a_key_with_two_types_keeps_its_order_and_others_share_the_calls(self) -> None:
        one, two = uuid4(), uuid4()
        arrivals = [
            arrival_of(accepted(one)),
            arrival_of(accepted(two)),
            arrival_of(failed(one)),
            arrival_of(failed(two)),
        ]
        calls = waves(arrivals)
        assert [(type_, len(batch)) for type_, batch in calls] == [("message.accepted", 2), ("message.failed", 2)]

    def test_going_back_and_forth_makes_as_many_calls(self) -> None:
        one = uuid4()
        events = [accepted(one), failed(one), accepted(one)]
        assert [type_ for type_, _ in waves([arrival_of(event) for event in events])] == [
            "message.accepted",
            "message.failed",
            "message.accepted",
        ]
