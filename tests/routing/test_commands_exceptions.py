"""What operators do with the exception queue, on a real database."""

from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.routing import DispatchExceptionResolved
from contracts.values import InstallerStatus
from services.routing.commands.auto_dispatch import SwitchAutoDispatch, switch_auto_dispatch
from services.routing.commands.exceptions import (
    AssignByHand,
    ResolveException,
    RetryDispatch,
    assign_by_hand,
    resolve_exception,
    retry_dispatch,
)
from services.routing.domain.states import AssignmentStatus, DispatchStatus, ExceptionReason, Resolution, Trigger
from services.routing.domain.windows import Limits
from services.routing.errors import (
    ContactMissing,
    ExceptionIsResolved,
    NoSuchException,
    NoSuchInstaller,
    NotEligible,
    NothingToDispatch,
    TooManyInstallers,
)
from services.routing.models import DispatchException
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, SHARED, Floor, lead, types_of


async def waiting(floor: Floor, *, shared: bool = False) -> DispatchException:
    """The item of a lead that nobody covers."""
    await floor.dispatch(lead(SHARED, FREMANTLE) if shared else lead(location=FREMANTLE))
    return await floor.only_exception()


async def assign(
    floor: Floor, item: DispatchException, *installers: UUID, reason: str | None = None, overrides_caps: bool = False
) -> None:
    command = AssignByHand(item.id, installers, ROBIN, reason, overrides_caps)
    async with floor.database.transaction() as session:
        await assign_by_hand(session, command, floor.clock.now())


async def retry(floor: Floor, item: DispatchException) -> None:
    async with floor.database.transaction() as session:
        await retry_dispatch(session, RetryDispatch(item.id, ROBIN), floor.clock.now())


async def switch(floor: Floor, *, on: bool) -> None:
    async with floor.database.transaction() as session:
        await switch_auto_dispatch(session, SwitchAutoDispatch(on, "maintenance", ROBIN), NOW)


class TestAssignByHand:
    async def test_overrules_territory_and_service(self, floor: Floor) -> None:
        item = await waiting(floor)
        roofer = await floor.installer(services=("roofing",))
        await assign(floor, item, roofer)
        made = await floor.only_assignment()
        assert (made.installer_id, made.status) == (roofer, AssignmentStatus.PENDING)
        _, by_hand = await floor.decisions(item.lead_id)
        assert (by_hand.trigger, by_hand.operator_name, by_hand.attempt_no) == (Trigger.BY_HAND, "Robin Field", 2)
        waived = [v["rule"] for v in by_hand.candidates[0]["verdicts"] if v.get("is_waived")]
        assert waived == ["service", "territory"]

    async def test_settles_the_item_and_moves_the_lead_on(self, floor: Floor) -> None:
        item = await waiting(floor)
        await assign(floor, item, await floor.installer())
        [after] = await floor.exceptions()
        assert (after.resolution, after.resolved_by, after.resolved_at) == (Resolution.ASSIGNED, "Robin Field", NOW)
        assert (await floor.dispatch_of(item.lead_id)).status is DispatchStatus.DISPATCHING
        assert await floor.events("dispatch.exception_resolved") == [
            DispatchExceptionResolved(
                lead_id=item.lead_id, exception_id=item.id, resolution="assigned", resolved_at=NOW
            )
        ]
        assert "assign_by_hand" in await floor.audited()

    async def test_versions_of_the_lead_ascend(self, floor: Floor) -> None:
        item = await waiting(floor)
        await assign(floor, item, await floor.installer())
        versions = [v for v, event in await floor.published() if event.type.startswith("dispatch.")]
        assert versions == [1, 2, 3, 4]

    async def test_takes_up_to_three_for_a_shared_lead(self, floor: Floor) -> None:
        item = await waiting(floor, shared=True)
        installers = await floor.installers(3)
        await assign(floor, item, *installers)
        assert set(await floor.given()) == set(installers)

    async def test_refuses_more_than_there_are_shares(self, floor: Floor) -> None:
        item = await waiting(floor)
        with pytest.raises(TooManyInstallers, match="2 installers were named and 1 shares are free"):
            await assign(floor, item, *await floor.installers(2))

    async def test_still_respects_caps_and_status_and_names_both(self, floor: Floor) -> None:
        item = await waiting(floor, shared=True)
        full = await floor.installer(Limits(month=0))
        paused = await floor.installer(status=InstallerStatus.PAUSED)
        with pytest.raises(NotEligible) as refused:
            await assign(floor, item, full, paused, await floor.installer())
        assert {(error.field, error.code, error.message) for error in refused.value.errors} == {
            (f"installer_ids.{full}", "cap_month", "cap_reached"),
            (f"installer_ids.{paused}", "status", "installer_paused"),
        }

    async def test_an_override_passes_the_cap_and_keeps_its_reason(self, floor: Floor) -> None:
        item = await waiting(floor)
        full = await floor.installer(Limits(month=0))
        await assign(floor, item, full, reason="agreed by phone", overrides_caps=True)
        assert await floor.counts(full) == {"day": (1, 0), "week": (1, 0), "month": (1, 0)}
        decision = (await floor.decisions(item.lead_id))[1]
        assert (decision.reason_text, decision.override_reason) == ("agreed by phone", "agreed by phone")
        [row] = await floor.rows("SELECT reason_text, after FROM audit_entries WHERE action = 'assign_by_hand'")
        assert (row["reason_text"], row["after"]["overrides_caps"]) == ("agreed by phone", True)

    async def test_keeps_the_operators_reason_without_an_override_too(self, floor: Floor) -> None:
        item = await waiting(floor)
        await assign(floor, item, await floor.installer(), reason="the only one there")
        decision = (await floor.decisions(item.lead_id))[1]
        assert (decision.reason_text, decision.override_reason) == ("the only one there", None)
        [row] = await floor.rows("SELECT reason_text, after FROM audit_entries WHERE action = 'assign_by_hand'")
        assert row["reason_text"] == "the only one there"
        assert "overrides_caps" not in row["after"]

    async def test_a_reason_alone_overrides_no_cap(self, floor: Floor) -> None:
        item = await waiting(floor)
        with pytest.raises(NotEligible):
            await assign(floor, item, await floor.installer(Limits(month=0)), reason="agreed by phone")

    async def test_an_override_does_not_pass_the_status(self, floor: Floor) -> None:
        item = await waiting(floor)
        suspended = await floor.installer(status=InstallerStatus.SUSPENDED)
        with pytest.raises(NotEligible):
            await assign(floor, item, suspended, reason="agreed by phone", overrides_caps=True)

    async def test_refuses_an_installer_that_has_the_lead(self, floor: Floor) -> None:
        installers = await floor.installers(2)
        await floor.dispatch(lead(SHARED))
        first, second = await floor.assignments()
        await floor.deliver(first.id)
        await floor.refuse_mail(second.id)
        with pytest.raises(NotEligible) as refused:
            await assign(floor, await floor.only_exception(), first.installer_id)
        assert [error.code for error in refused.value.errors] == ["duplicate_to_installer"]
        assert first.installer_id in installers

    async def test_may_try_one_again_that_failed(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead())
        await floor.refuse_mail((await floor.only_assignment()).id)
        await assign(floor, await floor.only_exception(), installer_id)
        assert [made.status for made in await floor.assignments()] == [
            AssignmentStatus.FAILED,
            AssignmentStatus.PENDING,
        ]

    async def test_refuses_unknown_installers(self, floor: Floor) -> None:
        with pytest.raises(NoSuchInstaller):
            await assign(floor, await waiting(floor), new_id())

    async def test_twice_is_once(self, floor: Floor) -> None:
        item = await waiting(floor)
        installer_id = await floor.installer()
        await assign(floor, item, installer_id)
        await assign(floor, item, installer_id)
        assert len(await floor.assignments()) == 1

    async def test_refuses_a_settled_item_for_another_installer(self, floor: Floor) -> None:
        item = await waiting(floor)
        first, second = await floor.installers(2)
        await assign(floor, item, first)
        with pytest.raises(ExceptionIsResolved):
            await assign(floor, item, second)

    async def test_refuses_where_the_person_was_erased(self, floor: Floor) -> None:
        item = await waiting(floor)
        async with floor.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("DELETE FROM lead_contacts")
        with pytest.raises(ContactMissing):
            await assign(floor, item, await floor.installer())


class TestRetryDispatch:
    async def test_gives_the_lead_to_who_is_eligible_now(self, floor: Floor) -> None:
        await switch(floor, on=False)
        await floor.dispatch(arrived := lead(SHARED))
        await floor.installers(2)
        item = await floor.only_exception()
        await retry(floor, item)
        assert len(await floor.assignments(arrived.lead_id)) == 2
        assert await floor.exceptions(is_open=True) == []
        [decision] = await floor.decisions(arrived.lead_id)
        assert (decision.trigger, decision.chosen_count, decision.wanted_count) == (Trigger.RETRY, 2, 3)

    async def test_tries_the_next_one_after_a_failed_delivery(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(lead())
        failed = await floor.only_assignment()
        await floor.refuse_mail(failed.id)
        await retry(floor, await floor.only_exception())
        _, second = await floor.assignments()
        assert second.installer_id != failed.installer_id
        assert await floor.exceptions(is_open=True) == []

    async def test_fills_only_the_shares_that_are_free(self, floor: Floor) -> None:
        await floor.installers(5)
        await floor.dispatch(arrived := lead(SHARED))
        first, *_ = await floor.assignments()
        await floor.refuse_mail(first.id)
        await retry(floor, await floor.only_exception())
        made = await floor.assignments(arrived.lead_id)
        assert sum(each.status.is_live for each in made) == 3
        assert (await floor.decisions(arrived.lead_id))[1].wanted_count == 1

    async def test_counts_once_more_where_nothing_has_changed(self, floor: Floor) -> None:
        item = await waiting(floor)
        await retry(floor, item)
        after = await floor.only_exception()
        assert (after.id, after.occurrences) == (item.id, 2)
        assert types_of(await floor.events("dispatch.exception_raised")) == ["dispatch.exception_raised"]
        assert len(await floor.decisions(item.lead_id)) == 2

    async def test_an_item_becomes_the_one_that_says_what_is_in_the_way_now(self, floor: Floor) -> None:
        await switch(floor, on=False)
        await floor.dispatch(lead())
        await retry(floor, await floor.only_exception())
        off, nobody = await floor.exceptions()
        assert (off.reason, off.resolution) == (ExceptionReason.AUTO_DISPATCH_OFF, Resolution.SUPERSEDED)
        assert (nobody.reason, nobody.is_open) == (ExceptionReason.NO_COVERAGE, True)

    async def test_refuses_a_lead_whose_shares_are_all_given(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(lead())
        failed = await floor.only_assignment()
        await floor.refuse_mail(failed.id)
        item = await floor.only_exception()
        await assign(floor, item, failed.installer_id)
        live = (await floor.assignments())[1]
        await floor.refuse_mail(live.id)
        again = await floor.only_exception()
        await assign(floor, again, failed.installer_id)
        await floor.deliver(live.id)
        late = await floor.only_exception()
        assert late.reason is ExceptionReason.DELIVERED_LATE
        with pytest.raises(NothingToDispatch):
            await retry(floor, late)

    async def test_twice_is_once(self, floor: Floor) -> None:
        await switch(floor, on=False)
        await floor.installers(2)
        await floor.dispatch(lead(SHARED))
        item = await floor.only_exception()
        for _ in range(2):
            await retry(floor, item)
        assert len(await floor.decisions(item.lead_id)) == 1
        assert (await floor.audited()).count("retry_dispatch") == 1

    async def test_refuses_an_item_that_left_the_queue_otherwise(self, floor: Floor) -> None:
        item = await waiting(floor)
        await assign(floor, item, await floor.installer())
        with pytest.raises(ExceptionIsResolved, match="assigned by Robin Field"):
            await retry(floor, item)


class TestResolveException:
    async def test_sets_the_item_aside_with_a_reason(self, floor: Floor) -> None:
        item = await waiting(floor)
        async with floor.database.transaction() as session:
            await resolve_exception(session, ResolveException(item.id, "out of every area", ROBIN), NOW)
        [after] = await floor.exceptions()
        assert (after.resolution, after.resolved_note) == (Resolution.BY_OPERATOR, "out of every area")
        assert (await floor.dispatch_of(item.lead_id)).status is DispatchStatus.EXCEPTION
        assert "resolve_exception" in await floor.audited()

    async def test_twice_is_once(self, floor: Floor) -> None:
        item = await waiting(floor)
        for reason in ("out of every area", "another"):
            async with floor.database.transaction() as session:
                await resolve_exception(session, ResolveException(item.id, reason, ROBIN), NOW)
        assert (await floor.exceptions())[0].resolved_note == "out of every area"
        assert len(await floor.events("dispatch.exception_resolved")) == 1

    async def test_refuses_an_unknown_item(self, floor: Floor) -> None:
        async with floor.database.transaction() as session:
            with pytest.raises(NoSuchException):
                await resolve_exception(session, ResolveException(new_id(), "why not", ROBIN), NOW)
