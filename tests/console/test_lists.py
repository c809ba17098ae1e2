"""A list: filters, order, columns and place in the address; count and sums of all of it; its CSV; its views."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from http import HTTPStatus
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from chassis.audit import audit_entries
from chassis.console.bulk import Comparison
from chassis.console.listing import Column, Days, Empty, Flag, Listing
from chassis.console.lists.declaration import MisdeclaredList
from chassis.console.lists.export import harmless
from contracts.identity import Role
from tests.console.crates import PATH, TIME, House, crates, link_in, names_in

SYDNEY = ZoneInfo("Australia/Sydney")


class TestFilters:
    async def test_combine(self, house: House) -> None:
        await house.pack("Apples", "Pears")
        await house.pack("Apple juice", status="shipped")
        assert names_in(await house.get("q=apple")) == ["Apple juice", "Apples"]
        assert names_in(await house.get("q=apple&status=packed")) == ["Apples"]
        assert len(names_in(await house.get("status=packed&status=shipped"))) == 3

    async def test_search_knows_how_texts_are_kept_and_ids_as_a_whole(self, house: House) -> None:
        [id_, _] = await house.pack("B100", "100%_full")
        assert names_in(await house.get("q=b-100")) == ["B100"]
        assert names_in(await house.get(f"q={id_}")) == ["B100"]
        # Not a pattern: what people type is what is searched.
        assert names_in(await house.get("q=0%25_f")) == ["100%_full"]
        assert names_in(await house.get("q=b%25")) == []

    async def test_days_are_those_of_the_business_zone_and_both_included(self, house: House) -> None:
        # Midnight of 3 March in Sydney is 13:00 UTC of the day before.
        await house.pack("Late", packed_at=TIME.replace(day=2, hour=12, minute=59))
        await house.pack("First", packed_at=TIME.replace(day=2, hour=13, minute=0))
        await house.pack("Last", packed_at=TIME.replace(day=3, hour=12, minute=59))
        assert names_in(await house.get("packed_from=2026-03-03&packed_to=2026-03-03")) == ["Last", "First"]

    async def test_days_have_words_that_begin_and_end_at_midnight_of_the_business_zone(self, house: House) -> None:
        for name, day, time in (
            ("a", "2026-01-31", "23:59"),
            ("b", "2026-02-01", "00:00"),
            ("c", "2026-02-02", "00:00"),
            ("d", "2026-02-23", "00:00"),
            ("e", "2026-02-25", "00:00"),
            ("f", "2026-03-01", "23:59"),
            ("g", "2026-03-02", "00:00"),
            ("h", "2026-03-03", "00:00"),
            ("i", "2026-03-03", "23:59"),
            ("j", "2026-03-04", "00:00"),
            ("k", "2026-03-09", "00:00"),
            ("l", "2026-03-10", "00:00"),
        ):
            at = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=SYDNEY)
            await house.pack(name, packed_at=at, due_at=at)
        # It is Tuesday, 3 March.
        for query, names in {
            "packed=today": "hi",
            "packed=yesterday": "g",
            "packed=last_7_days": "efghi",
            "packed=last_30_days": "cdefghi",
            "packed=this_week": "ghij",
            "packed=last_week": "def",
            "packed=this_month": "fghijkl",
            "packed=last_month": "bcde",
            "due=tomorrow": "j",
            "due=next_7_days": "hijk",
            "due=next_week": "kl",
            "packed=this_week&packed_to=2026-03-02": "g",
        }.items():
            assert "".join(reversed(names_in(await house.get(query)))) == names, query
        assert "Packed: this week, to 2 Mar 2026" in (await house.get("packed=this_week&packed_to=2026-03-02")).text

    async def test_a_day_on_which_clocks_are_put_back_has_all_its_hours(self, house: House) -> None:
        house.clock.instant = datetime(2026, 4, 6, 2, tzinfo=UTC)
        ends = [datetime(2026, 4, 4, 13, tzinfo=UTC), datetime(2026, 4, 5, 14, tzinfo=UTC)]
        for name, at in zip(("First", "After"), ends, strict=True):
            await house.pack(f"{name}, less a minute", packed_at=at - timedelta(minutes=1))
            await house.pack(name, packed_at=at)
        assert names_in(await house.get("packed=yesterday")) == ["After, less a minute", "First"]

    async def test_amounts_are_dollars(self, house: House) -> None:
        await house.pack("Cheap", cents=999)
        await house.pack("Dear", cents=125_000)
        assert names_in(await house.get("worth_min=9.99&worth_max=1,249.99")) == ["Cheap"]
        assert "Worth: $9.99 to $1249.99" in (await house.get("worth_min=9.99&worth_max=1,249.99")).text

    async def test_what_depends_on_the_clock_is_as_of_now(self, house: House) -> None:
        await house.pack("Due", due_at=TIME + timedelta(minutes=1))
        assert names_in(await house.get("overdue=true")) == []
        house.clock.instant += timedelta(minutes=2)
        assert names_in(await house.get("overdue=true")) == ["Due"]

    async def test_every_word_must_stand_somewhere(self, house: House) -> None:
        [_, id_] = await house.pack("Red apples", "Green apples")
        await house.pack("Apples, 100%", status="shipped")
        assert names_in(await house.get("words=APPLES+red")) == ["Red apples"]
        assert names_in(await house.get("words=++apples+shipped")) == ["Apples, 100%"]
        assert names_in(await house.get("words=apples+pears")) == []
        assert names_in(await house.get("words=0%25+apples")) == ["Apples, 100%"]
        assert names_in(await house.get(f"words={id_}")) == ["Green apples"]

    async def test_what_is_mine_is_of_who_looks(self, house: House) -> None:
        """The view is kept with its statements, and shared: each person sees their own through it."""
        robin, sam = uuid4(), uuid4()
        await house.pack("Robin's", "Robin's too", owner_id=robin, cents=100)
        await house.pack("Sam's", owner_id=sam, cents=7)
        await house.pack("Nobody's")
        for owner, names, count, sum_ in (
            (robin, {"Robin's", "Robin's too"}, "2 crates", "$2.00"),
            (sam, {"Sam's"}, "1 crate", "$0.07"),
            (uuid4(), set(), "0 crates", "–"),  # noqa: RUF001
            (robin, {"Robin's", "Robin's too"}, "2 crates", "$2.00"),
        ):
            house.operator = {"operator_id": owner}
            answer = await house.get("mine=true")
            assert {unescape(name) for name in names_in(answer)} == names
            assert f'<span class="total">{count}</span>' in answer.text
            assert f'<strong class="number">{sum_}</strong>' in answer.text
            exported = (await house.post("export", query="mine=true")).text
            assert {row["name"] for row in csv.DictReader(io.StringIO(exported.removeprefix("\ufeff")))} == names

    async def test_that_are_set_have_a_way_back_each(self, house: House) -> None:
        await house.pack("Apples")
        answer = await house.get("q=pear&status=shipped")
        assert "Nothing matches" in answer.text
        assert f'href="{PATH}?status=shipped"' in answer.text
        assert f'href="{PATH}?q=pear"' in answer.text

    @pytest.mark.parametrize(
        "query",
        [
            "colour=red",
            "status=lost",
            "owner=me",
            "packed_from=yesterday",
            "packed=someday",
            "packed=tomorrow",
            "packed_to=1969-12-31",
            "worth_min=a+lot",
            "worth_min=0.001",
            "worth_max=NaN",
            "worth_max=9e999999",
            "overdue=perhaps",
            "sort=status",
            "sort=-",
            "columns=none",
            "limit=1000",
            "q=%00",
            "q=" + "x" * 201,
            "words=" + "x" * 201,
            "words=" + "+".join("abcdefghijklm"),
            "mine=me",
        ],
    )
    async def test_that_mean_nothing_are_named(self, house: House, query: str) -> None:
        answer = await house.get(query)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert query.partition("=")[0].removesuffix("_from").split("_")[0] in answer.text

    @pytest.mark.parametrize("query", ["q=x" + "&q=x" * 300, "status=packed" + "&" * 5_000])
    async def test_without_end_are_refused(self, house: House, query: str) -> None:
        assert (await house.get(query)).status_code == HTTPStatus.UNPROCESSABLE_ENTITY

    async def test_faults_come_all_at_once(self, house: House) -> None:
        answer = await house.get("status=lost&worth_min=x&sort=none")
        assert all(f"<li>{name}: " in answer.text for name in ("status", "worth", "sort"))

    async def test_that_were_left_empty_leave_the_address(self, house: House) -> None:
        answer = await house.get("q=&status=packed&worth_min=&worth_max=")
        assert (answer.status_code, answer.headers["location"]) == (HTTPStatus.SEE_OTHER, f"{PATH}?status=packed")

    async def test_a_partial_answer_tells_its_address(self, house: House) -> None:
        answer = await house.get("q=&status=packed", **{"HX-Request": "true"})
        assert answer.headers["hx-push-url"] == f"{PATH}?status=packed"


class TestPages:
    async def test_go_on_and_back_whatever_is_added_meanwhile(self, house: House) -> None:
        await house.pack(*(f"C{number:03}" for number in range(120)))
        first = await house.get()
        assert names_in(first) == [f"C{number:03}" for number in range(119, 69, -1)]
        await house.pack("New", packed_at=TIME + timedelta(hours=1))
        second = await house.get(link_in(first, "next"))
        assert names_in(second) == [f"C{number:03}" for number in range(69, 19, -1)]
        third = await house.get(link_in(second, "next"))
        assert names_in(third) == [f"C{number:03}" for number in range(19, -1, -1)]
        assert 'rel="next"' not in third.text
        again = await house.get(link_in(third, "prev"))
        assert names_in(again) == names_in(second)

    @pytest.mark.parametrize("order", ["name", "-name", "worth", "-worth", "packed"])
    async def test_show_every_row_once_in_any_order(self, house: House, order: str) -> None:
        # Many are equal in what is sorted by: the id decides among them.
        await house.pack(*(f"C{number % 7}" for number in range(130)), packed_at=TIME)
        seen, query = [], f"sort={order}"
        for _ in range(3):
            answer = await house.get(query)
            seen += [line for line in answer.text.splitlines() if 'name="ids"' in line]
            if 'rel="next"' not in answer.text:
                break
            query = link_in(answer, "next")
        assert len(seen) == len(set(seen)) == 130

    async def test_a_place_of_another_making_is_refused(self, house: House) -> None:
        for place in ("x", "WzEsMl0", "W251bGwsbnVsbF0"):
            assert (await house.get(f"after={place}")).status_code == HTTPStatus.BAD_REQUEST

    async def test_count_and_sums_are_of_all_that_matches(self, house: House) -> None:
        await house.pack(*(f"C{number}" for number in range(60)), cents=12_345)
        await house.pack("Shipped", status="shipped", cents=-5)
        answer = await house.get("status=packed")
        assert "60 crates" in answer.text
        assert "$7,407.00" in answer.text
        assert "−$0.05" in (await house.get("status=shipped")).text  # noqa: RUF001

    async def test_say_what_waited_too_long(self, house: House) -> None:
        await house.pack("Old", packed_at=TIME - timedelta(days=3))
        assert "3 days ago</time>, limit 2 days" in (await house.get()).text
        assert "limit 2 days" not in (await house.get("q=none")).text

    async def test_show_the_columns_that_are_asked_for_and_always_the_first(self, house: House) -> None:
        await house.pack("Apples", due_at=TIME)
        answer = await house.get("columns=due")
        assert names_in(answer) == ["Apples"]
        assert "3 Mar 2026, 1:15 pm" in answer.text
        assert '<th scope="col" class="number">' not in answer.text

    async def test_show_text_as_text(self, house: House) -> None:
        await house.pack("<script>alert(1)</script>")
        answer = await house.get("q=<script>")
        assert "<script>alert" not in answer.text
        assert answer.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2

    async def test_an_empty_list_says_what_would_fill_it(self, house: House) -> None:
        assert "A crate that is packed stands here." in (await house.get("status=packed")).text


class TestCsv:
    async def test_is_exactly_what_is_filtered_with_every_column(self, house: House) -> None:
        await house.pack(*(f"C{number:04}" for number in range(1_200)), cents=123_456)
        await house.pack("Shipped", status="shipped")
        answer = await house.post("export", query="status=packed&sort=name&columns=name")
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert [row["name"] for row in rows] == [f"C{number:04}" for number in range(1_200)]
        assert rows[0]["worth"] == "1234.56"
        assert rows[-1]["packed"] == "2026-03-03T12:15:00+11:00"
        assert rows[0]["due"] == ""
        assert answer.headers["content-disposition"] == 'attachment; filename="crates.csv"'

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
    def test_holds_no_formula(self, name: str) -> None:
        assert harmless(name) == f"'{name}"

    async def test_keeps_a_negative_amount_a_number(self, house: House) -> None:
        await house.pack("=cmd()", cents=-1)
        answer = await house.post("export", query="")
        [row] = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
        assert (row["name"], row["worth"]) == ("'=cmd()", "-0.01")

    @pytest.mark.parametrize("name", ["q", "words"])
    async def test_is_on_record_without_what_was_searched_for(self, house: House, name: str) -> None:
        await house.post("export", query=f"{name}=robin@example.com&status=packed")
        async with house.database.reading() as session:
            [entry] = (await session.execute(select(audit_entries))).all()
        assert (entry.action, entry.subject_id) == ("export_list", "crates")
        assert entry.after["filters"] == {name: "searched", "status": ["packed"]}

    async def test_of_what_the_list_does_not_have_is_refused(self, house: House) -> None:
        answer = await house.post("export", query="colour=red")
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


class TestViews:
    async def test_are_saved_shared_replaced_and_removed(self, house: House) -> None:
        owner = {"operator_id": uuid4(), "name": "Robin Field"}
        house.operator = owner
        await house.post("views", query="status=packed&sort=name", name="Mine", is_shared="")
        await house.post("views", query="status=shipped", name="Ours", is_shared="true")
        await house.post("views", query="status=shipped&sort=-worth", name="Ours", is_shared="true")
        own = await house.get("status=shipped&sort=-worth")
        assert f'href="{PATH}?status=packed&amp;sort=name"' in own.text
        assert 'sort=-worth" aria-current="page"' in own.text
        house.operator = {"operator_id": uuid4(), "name": "Sam Hale"}
        other = await house.get()
        assert "Mine" not in other.text
        assert "Shared by Robin Field" in other.text
        [view] = [part.split("/remove")[0] for part in own.text.split("/views/")[1:] if "/remove" in part]
        assert (await house.post(f"views/{view}/remove")).status_code == HTTPStatus.FORBIDDEN
        house.operator = owner
        assert (await house.post(f"views/{view}/remove")).status_code == HTTPStatus.SEE_OTHER
        assert "Ours" not in (await house.get()).text

    async def test_move_along_with_the_calendar(self, house: House) -> None:
        await house.pack("Apples", packed_at=TIME)
        saved = await house.post("views", query="packed=today", name="Of today")
        view = saved.headers["location"].partition("?")[2]
        answer = await house.get(view)
        assert names_in(answer) == ["Apples"]
        assert "Packed: today" in answer.text
        assert '<option value="today" selected>Today</option>' in answer.text
        # Midnight in Sydney.
        house.clock.instant = TIME.replace(hour=13, minute=0)
        answer = await house.get(view)
        assert f'href="{PATH}?packed=today" aria-current="page">Of today' in answer.text
        assert names_in(answer) == []
        await house.pack("Pears", packed_at=house.clock.instant)
        assert names_in(await house.get(view)) == ["Pears"]
        exported = (await house.post("export", query=view)).text
        assert [row["name"] for row in csv.DictReader(io.StringIO(exported.removeprefix("\ufeff")))] == ["Pears"]

    async def test_are_on_record_with_what_they_were_before(self, house: House) -> None:
        await house.post("views", query="q=robin%40example.com&status=packed", name="Mine")
        await house.post("views", query="status=shipped&sort=name", name="Mine", is_shared="true")
        [view] = (await house.get("status=shipped&sort=name")).text.split("/views/")[1:]
        await house.post(f"views/{view.partition('/remove')[0]}/remove")
        async with house.database.reading() as session:
            deeds = (await session.execute(select(audit_entries).order_by(audit_entries.c.occurred_at))).all()
        first = {"name": "Mine", "query": "q=searched&status=packed", "is_shared": False}
        second = {"name": "Mine", "query": "status=shipped&sort=name", "is_shared": True}
        assert [(deed.action, deed.before, deed.after) for deed in deeds] == [
            ("save_view", None, first),
            ("replace_view", first, second),
            ("remove_view", second, None),
        ]

    async def test_hold_nothing_that_the_list_does_not_know(self, house: House) -> None:
        answer = await house.post("views", query="colour=red", name="Mine")
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


class TestDeclaration:
    def test_that_contradicts_itself_is_not_served(self) -> None:
        def declare(*columns: Column, order: str = "name") -> Listing:
            return Listing(
                "x", "X", ("x", "xs"), "/x", None, select(), crates.c.id, columns, order, Empty("None", "None")
            )

        one = Column("name", "Name", crates.c.name, sorts=True)
        unsorted = Column("name", "Name", crates.c.name)
        for columns, order in [([one, one], "name"), ([one], "none"), ([unsorted], "name")]:
            with pytest.raises(MisdeclaredList):
                declare(*columns, order=order)
        with pytest.raises(MisdeclaredList, match="leaves rows out"):
            replace(declare(one), rows=select().where(crates.c.id.is_not(None)), one_per=object)
        with pytest.raises(MisdeclaredList, match="read the same of an address"):
            replace(declare(one), filters=(Flag("packed", "Packed"), Days("packed", "Packed")))
        with pytest.raises(MisdeclaredList, match="where none are chosen"):
            replace(declare(one), comparison=Comparison(lambda _one, _other: "/x"))

    async def test_its_list_is_for_those_who_may_read_it(self, house: House) -> None:
        house.role = Role.EDITOR
        assert (await house.get()).status_code == HTTPStatus.OK
        assert (await house.client.get(PATH, headers={"Accept": "text/html"})).status_code == HTTPStatus.SEE_OTHER
