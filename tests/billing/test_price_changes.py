"""New prices before they are saved: what they would change, at the edges of their time, and told to two who edit."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.console.fields import start_of
from contracts.identity import Role
from contracts.values import GstTreatment, ProductType
from services.billing.domain.gst import Priced
from services.billing.domain.price_changes import Effect, Prices, effect_of, priced_by
from tests.billing.arrangements import LONG_AGO, NOW, SYDNEY, Books, march, sent
from tests.billing.desk import Desk, code_of
from tests.billing.windows import Window

EXCLUSIVE, SHARED = ProductType.EXCLUSIVE, ProductType.SHARED
NEW = {
    "effective_from": "2026-03-01T00:00:00+11:00",
    "exclusive_price_cents": 8_000,
    "shared_price_cents": 4_000,
    "reason": "Agreed for the autumn",
}
FORM: dict[str, Any] = {"effective_day": "2026-03-01", "exclusive": "80", "shared": "40.00", "gst_treatment": "taxable"}
SET = FORM | {"reason": "Agreed for the autumn"}


def plans_of(installer_id: UUID) -> str:
    return f"/admin/installers/{installer_id}/price-plans"


class TestTheRule:
    def test_compares_one_mix_at_two_prices(self) -> None:
        counted = [(EXCLUSIVE, Priced(8_500), 3), (SHARED, Priced(3_850), 2)]
        found = effect_of(counted, Prices(8_000, 4_000))
        assert found == Effect(3, 2, 33_200, 32_000)
        assert (found.count, found.difference_cents) == (5, -1_200)

    def test_compares_what_is_left_without_gst(self) -> None:
        """A price that holds GST is a tenth of eleven less than it says."""
        found = effect_of([(EXCLUSIVE, Priced(8_000), 1)], Prices(8_800, 0, includes_gst=True))
        assert found.difference_cents == 0
        free = effect_of([(EXCLUSIVE, Priced(8_000), 1)], Prices(8_800, 0, GstTreatment.GST_FREE, includes_gst=True))
        assert free.difference_cents == 800

    def test_has_nothing_to_compare_with_where_prices_end(self) -> None:
        assert effect_of([(EXCLUSIVE, Priced(8_500), 1)], None).difference_cents is None
        assert priced_by({EXCLUSIVE: 4}, None).count == 0


class TestThePreview:
    async def test_tells_what_stays_what_is_priced_and_what_a_month_comes_to(self, desk: Desk, books: Books) -> None:
        installer_id = await books.installer()
        await books.deliver(sent(installer_id, march(2), SHARED))
        await books.plan(installer_id, march(5, 0), 8_500, 3_850)
        await books.deliver(sent(installer_id, march(10)), sent(installer_id, NOW - timedelta(hours=1), SHARED))
        told = await desk.do("POST", f"{plans_of(installer_id)}/preview", NEW)
        assert told["effective_to"] == "2026-03-04T13:00:00Z", "the day on which the next version begins"
        assert (told["held_priced"]["count"], told["held_priced"]["cents_at_new_prices"]) == (1, 4_000)
        assert (told["issued_kept"]["count"], told["unbilled_kept"]["count"], told["held_left_count"]) == (0, 0, 0)
        assert (told["month"]["shared_count"], told["month"]["difference_cents"]) == (1, 150)
        assert await books.value("SELECT count(*) FROM price_plans") == 1, "looking changes nothing"

    async def test_tells_issued_and_unbilled_apart_and_re_prices_neither(self, desk: Desk, books: Books) -> None:
        invoice = await books.issued_invoice()
        await books.deliver(sent(invoice.account_id, march(20), SHARED), sent(invoice.account_id, march(21)))
        told = await desk.do("POST", f"{plans_of(invoice.account_id)}/preview", NEW)
        assert (told["issued_kept"]["count"], told["issued_kept"]["difference_cents"]) == (1, -500)
        assert (told["unbilled_kept"]["count"], told["unbilled_kept"]["difference_cents"]) == (2, -350)
        before = await books.rows("SELECT id, unit_price_cents FROM delivery_events ORDER BY id")
        await desk.do("POST", plans_of(invoice.account_id), NEW, status=201)
        assert await books.rows("SELECT id, unit_price_cents FROM delivery_events ORDER BY id") == before

    async def test_is_refused_where_saving_would_be(self, desk: Desk, books: Books) -> None:
        installer_id = await books.installer()
        await desk.do("POST", plans_of(installer_id), NEW, status=201)
        assert (await desk.do("POST", f"{plans_of(installer_id)}/preview", NEW))["is_new"] is False
        other = NEW | {"shared_price_cents": 1}
        answer = await desk.ask("POST", f"{plans_of(installer_id)}/preview", other)
        assert (answer.status_code, code_of(answer)) == (409, "price_plan_version_exists")

    async def test_may_be_looked_at_by_who_may_not_save(self, desk: Desk, books: Books) -> None:
        answer = await desk.ask("POST", f"{plans_of(await books.installer())}/preview", NEW, role=Role.EDITOR)
        assert answer.status_code == 200


class TestSaving:
    async def test_is_published_with_the_prices_and_audited_with_those_before(self, desk: Desk, books: Books) -> None:
        installer_id = await books.priced_installer()
        added = await desk.do("POST", plans_of(installer_id), NEW, status=201)
        await desk.do("POST", plans_of(installer_id), NEW, status=201)
        first, second = await books.published("price_plan.added")
        assert first["installer_id"] == second["installer_id"] == str(installer_id)
        assert (second["subject_id"], second["key"], second["version"]) == (added["id"], added["id"], 1)
        assert (second["exclusive_price_cents"], second["shared_price_cents"]) == (8_000, 4_000)
        (entry,) = await books.rows("SELECT * FROM audit_entries WHERE action = 'add_price_plan'")
        assert entry.reason_text == "Agreed for the autumn"
        assert (entry.before["exclusive_price_cents"], entry.after["exclusive_price_cents"]) == (8_500, 8_000)

    async def test_ends_are_published_without_prices(self, books: Books) -> None:
        await books.close_plan(await books.priced_installer(), march(5))
        _, end = await books.published("price_plan.added")
        assert "exclusive_price_cents" not in end

    @pytest.mark.parametrize("day", [date(2026, 4, 5), date(2026, 10, 4), date(2026, 3, 1)], ids=str)
    async def test_holds_from_the_first_microsecond_of_a_day_of_any_length(self, books: Books, day: date) -> None:
        """Of 25 hours, of 23, and of 24: up to the last microsecond before the next one's midnight."""
        installer_id = await books.installer()
        first, after = start_of(day, SYDNEY), start_of(day + timedelta(days=1), SYDNEY)
        tick = timedelta(microseconds=1)
        for start, cents in ((LONG_AGO, 1_000), (first, 2_000), (after, 3_000)):
            await books.plan(installer_id, start, cents, cents)
        edges: dict[datetime, int] = {first - tick: 1_000, first: 2_000, after - tick: 2_000, after: 3_000}
        # The hour that comes twice, and the one that does not come at all, are of the day.
        edges |= {first + timedelta(hours=hour, minutes=30): 2_000 for hour in (1, 2, 3)}
        await books.deliver(*(sent(installer_id, instant) for instant in edges))
        rows = await books.rows("SELECT delivered_at, unit_price_cents FROM delivery_events")
        assert {row.delivered_at: row.unit_price_cents for row in rows} == edges


class TestThePage:
    async def test_shows_what_changes_before_the_button_and_sets_it_then(self, window: Window, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(10)))
        path = f"/console/accounts/{installer_id}"
        answer = await window.send(f"{path}/prices/preview", **FORM)
        assert await books.value("SELECT count(*) FROM price_plans") == 1
        page = await window.open(answer.headers["location"])
        assert "Re-prices 0 of 0 issued and 0 of 1 unbilled deliveries" in page
        assert "it would have come to $5.00 less, ex GST" in page
        assert "delivered_from=2026-03-01&amp;status=billable&amp;invoiced=no&amp;invoiced=draft" in page
        await window.send(f"{path}/prices", status=422, **FORM)
        await window.send(f"{path}/prices", **SET)
        assert "Agreed for the autumn" in await window.open(path)
        assert "Set: the table below has their days" in await window.open(f"{path}?done=set_prices")
        prices = await books.rows("SELECT exclusive_price_cents FROM price_plans ORDER BY effective_from")
        assert [row.exclusive_price_cents for row in prices] == [8_500, 8_000]

    async def test_tells_the_second_of_two_who_edit(self, window: Window, books: Books) -> None:
        path = f"/console/accounts/{await books.installer()}"
        await window.send(f"{path}/prices", **SET)
        answer = await window.send(f"{path}/prices", status=409, **SET | {"effective_day": "2026-03-02"})
        assert "changed it meanwhile" in answer.text
        assert await books.value("SELECT count(*) FROM price_plans") == 1

    async def test_says_what_ending_prices_means(self, window: Window, books: Books) -> None:
        installer_id = await books.priced_installer()
        path = f"/console/accounts/{installer_id}"
        answer = await window.send(f"{path}/end-prices/preview", effective_day="2026-05-01")
        page = await window.open(answer.headers["location"])
        assert "would have no price from then on" in page
        assert "End the prices" in page
        await window.send(f"{path}/end-prices", effective_day="2026-05-01", reason="It leaves")
        assert await books.value("SELECT reason_text FROM audit_entries") == "It leaves"

    async def test_refuses_a_day_that_is_none(self, window: Window, books: Books) -> None:
        await window.open(f"/console/accounts/{await books.installer()}/new-prices?day=May", status=422)
