"""What operators and the system do at an installer or an exception, and what each tells the others of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from contracts.routing import DispatchExceptionOwnerChanged, DispatchExceptionSnoozed, InstallerChanged
from contracts.values import AustralianState, InstallerStatus
from services.routing.commands.channels import Try, note_tries
from services.routing.commands.hours import SetHours, SetShareWeight, set_hours, set_share_weight
from services.routing.commands.installers import (
    ChangeStatus,
    change_particulars,
    change_status,
    set_caps,
    set_territory,
)
from services.routing.commands.owning import (
    ClaimException,
    HandOverException,
    UnassignException,
    claim_exception,
    hand_over_exception,
    unassign_exception,
)
from services.routing.commands.snoozing import SnoozeException, WakeException, snooze_exception, wake_exception
from services.routing.domain.states import Channel, DeliveryStep
from services.routing.domain.windows import Limits
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, Floor, Person, lead, postcodes

SAM = Person(new_id(), "Sam Reed")
HOUR = timedelta(hours=1)


async def done(floor: Floor, command: Any, *given: Any, **named: Any) -> None:
    async with floor.database.transaction() as session:
        await command(session, *given, **named)


async def versions(floor: Floor) -> list[int]:
    """Of the one lead that there is."""
    return [version for version, event in await floor.published() if event.type.startswith("dispatch.")]


class TestAnException:
    async def test_tells_whose_it_is_with_each_deed_that_changes_it(self, floor: Floor) -> None:
        await floor.operator(SAM)
        await floor.dispatch(arrived := lead(location=FREMANTLE))
        item = (await floor.only_exception()).id
        for _ in range(2):
            await done(floor, claim_exception, ClaimException(item, ROBIN), NOW)
        await done(floor, hand_over_exception, HandOverException(item, SAM.id, "I am away", ROBIN), NOW + HOUR)
        await done(floor, unassign_exception, UnassignException(item, None, ROBIN), NOW + 2 * HOUR)
        told = await floor.events(DispatchExceptionOwnerChanged.type)
        assert told == [
            DispatchExceptionOwnerChanged(
                lead_id=arrived.lead_id, exception_id=item, owner_id=id_, owner_name=name, changed_at=NOW + hours * HOUR
            )
            for hours, id_, name in ((0, ROBIN.id, "Robin Field"), (1, SAM.id, "Sam Reed"), (2, None, None))
        ]
        assert await versions(floor) == list(range(1, 6))

    async def test_tells_until_when_it_sleeps_and_that_it_woke(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead(location=FREMANTLE))
        item = (await floor.only_exception()).id
        for _ in range(2):
            await done(floor, snooze_exception, SnoozeException(item, NOW + HOUR, "rings back", ROBIN), NOW)
        for _ in range(2):
            await done(floor, wake_exception, WakeException(item, ROBIN), NOW)
        assert await floor.events(DispatchExceptionSnoozed.type) == [
            DispatchExceptionSnoozed(lead_id=arrived.lead_id, exception_id=item, snoozed_until=until, changed_at=NOW)
            for until in (NOW + HOUR, None)
        ]
        assert await versions(floor) == list(range(1, 5))


class TestAnInstaller:
    async def test_names_what_was_changed_of_it(self, floor: Floor) -> None:
        id_ = await floor.installer()
        await done(floor, change_particulars, id_, {"name": "Sun and Co", "services": ("roofing",)}, ROBIN, NOW)
        await done(floor, set_caps, id_, Limits(day=3), ROBIN, NOW)
        await done(floor, set_territory, id_, postcodes("2204"), ROBIN, NOW)
        await done(floor, set_hours, SetHours(id_, None, AustralianState.NSW, True, ROBIN), NOW)
        await done(floor, set_share_weight, SetShareWeight(id_, 5, ROBIN), NOW)
        await done(floor, change_status, ChangeStatus(id_, InstallerStatus.PAUSED, "holiday", ROBIN), NOW)
        named = [
            event.changed for event in await floor.events(InstallerChanged.type) if isinstance(event, InstallerChanged)
        ]
        assert named == [
            (),
            ("name", "services"),
            ("limits",),
            ("territory",),
            ("hours",),
            ("share_weight",),
            ("status",),
        ]

    async def test_has_in_its_history_that_its_breaker_opened_and_closed(self, floor: Floor) -> None:
        id_ = await floor.installer()
        await floor.dispatch(lead())
        made = (await floor.only_assignment()).id
        await self._tried(floor, id_, made, [DeliveryStep.FAILED] * 4)
        floor.clock.advance(HOUR)
        await self._tried(floor, id_, made, [DeliveryStep.FAILED, DeliveryStep.FAILED])
        floor.clock.advance(2 * HOUR)
        await self._tried(floor, id_, made, [DeliveryStep.ACCEPTED])
        kept = await floor.rows(
            "SELECT action, before->>'mail_breaker' AS was, after->>'mail_breaker' AS became, reason_code "
            "FROM audit_entries WHERE subject_id = :id AND actor_name = 'system' ORDER BY id",
            id=str(id_),
        )
        assert [tuple(row.values()) for row in kept] == [
            ("open_breaker", "closed", "open", "mailbox_full"),
            ("close_breaker", "open", "closed", None),
        ]

    async def _tried(self, floor: Floor, installer_id: UUID, made: UUID, steps: list[DeliveryStep]) -> None:
        now = floor.clock.now()
        tries = [
            Try(made, installer_id, Channel.MAIL, step, now, None if step is DeliveryStep.ACCEPTED else "mailbox_full")
            for step in steps
        ]
        await done(floor, note_tries, tries, now)
