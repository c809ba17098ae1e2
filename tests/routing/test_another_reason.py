"""A lead that waits for another reason by now has waited all the same: its age, its limit and its tries go on."""

from contracts.routing import DispatchExceptionOwnerChanged
from contracts.values import InstallerStatus
from services.routing.commands.exceptions import RetryDispatch, retry_dispatch
from services.routing.commands.owning import ClaimException, claim_exception
from services.routing.domain.policies import DEFAULT_CARE
from services.routing.domain.states import ExceptionReason
from services.routing.measures import measure_waiting
from services.routing.models import DispatchException
from tests.kit.metrics import gauge
from tests.routing.arrangements import NOW, ROBIN, SHARED, Floor, lead
from tests.routing.test_retries import HOUR, SAM, escalated, retried


async def tried_by_hand(floor: Floor, item: DispatchException) -> None:
    async with floor.database.transaction() as session:
        await retry_dispatch(session, RetryDispatch(item.id, ROBIN), floor.clock.now())


async def test_neither_its_age_nor_its_limit_nor_its_tries_begin_anew(floor: Floor) -> None:
    await floor.operator(SAM)
    installer_id = await floor.installer(status=InstallerStatus.PAUSED)
    await floor.dispatch(lead())
    await floor.changed(installer_id, status=InstallerStatus.ACTIVE, day_limit=0)
    floor.clock.advance(HOUR)
    assert await retried(floor) == 1
    await floor.changed(installer_id, status=InstallerStatus.PAUSED)
    floor.clock.advance(6 * HOUR)
    await tried_by_hand(floor, await floor.only_exception())
    *_, away = items = await floor.exceptions()
    assert [item.reason for item in items] == [
        ExceptionReason.ALL_AWAY,
        ExceptionReason.ALL_AT_CAP,
        ExceptionReason.ALL_AWAY,
    ]
    assert (away.waits_since, away.escalate_at) == (NOW, NOW + 8 * HOUR)
    assert (away.retries_done, away.retries_left) == (1, DEFAULT_CARE[ExceptionReason.ALL_AWAY].budget - 1)
    async with floor.database.reading() as session:
        await measure_waiting(floor.clock)(session)
    assert gauge("waybill_dispatch_exceptions_oldest_age_seconds", kind="expected") == 7 * 3600
    floor.clock.advance(HOUR)
    await escalated(floor)
    assert (await floor.only_exception()).owner_name == "Sam Reed"


async def test_it_is_called_for_once_while_nobody_may_own_it(floor: Floor) -> None:
    installer_id = await floor.installer(status=InstallerStatus.PAUSED)
    await floor.dispatch(lead())
    floor.clock.advance(8 * HOUR)
    await escalated(floor)
    await floor.changed(installer_id, status=InstallerStatus.ACTIVE, day_limit=0)
    await tried_by_hand(floor, await floor.only_exception())
    await escalated(floor)
    assert (await floor.only_exception()).reason is ExceptionReason.ALL_AT_CAP
    assert len(await floor.events("dispatch.exception_escalated")) == 1
    await floor.operator(SAM)
    await escalated(floor)
    assert (await floor.only_exception()).owner_name == "Sam Reed"


async def test_what_is_open_for_that_reason_already_becomes_whose_the_other_was(floor: Floor) -> None:
    await floor.installers(2)
    await floor.dispatch(lead(SHARED))
    first, second = await floor.assignments()
    await floor.refuse_mail(first.id)
    await tried_by_hand(floor, await floor.only_exception())
    floor.clock.advance(HOUR)
    await floor.refuse_mail(second.id)
    nobodys, claimed = await floor.exceptions(is_open=True)
    async with floor.database.transaction() as session:
        await claim_exception(session, ClaimException(claimed.id, ROBIN), floor.clock.now())
    await tried_by_hand(floor, claimed)
    kept = await floor.only_exception()
    assert (kept.id, kept.reason, kept.owner_name) == (
        nobodys.id,
        ExceptionReason.NO_ELIGIBLE_INSTALLER,
        "Robin Field",
    )
    told = await floor.events(DispatchExceptionOwnerChanged.type)
    assert [event.exception_id for event in told if isinstance(event, DispatchExceptionOwnerChanged)] == [
        claimed.id,
        nobodys.id,
    ]
    assert "hand_over_exception" in await floor.audited()
