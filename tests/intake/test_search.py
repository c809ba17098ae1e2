"""Finding leads by words: pure trigrams, what is found of a thousand spellings, and that the index finds it."""

from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from services.intake.commands.filling import fill_all
from services.intake.commands.leads.correcting import CorrectLead, correct_lead
from services.intake.commands.searching import index_leads
from services.intake.domain.corrections import CorrectionReason
from services.intake.domain.grams import folded, forms_of_phone, grams_of, searchable
from services.intake.models import Lead
from services.intake.pages.finders import FINDERS
from services.intake.queries.search import Search
from tests.intake.couples import merge, unmerge
from tests.intake.desk import Desk
from tests.intake.reception import Reception
from tests.intake.rooms import named, page
from tests.intake.samples import NOW, OPERATOR, count, rows
from tests.intake.telling import tell_all
from tests.kit.databases import RolledBackDatabase


class TestGrams:
    def test_are_those_of_each_word_and_of_none_between_words(self) -> None:
        assert len(grams_of("abcd xy")) == 2
        assert grams_of("ab cd") == []

    def test_fit_a_signed_integer_of_32_bits(self) -> None:
        numbers = grams_of("a quite long text with many letters 0412345678")
        assert all(-(2**31) <= number < 2**31 for number in numbers)
        assert min(numbers) < 0 < max(numbers)

    @given(st.text(min_size=3, max_size=30), st.text(max_size=10), st.text(max_size=10))
    def test_of_a_part_of_a_word_are_among_the_words(self, part: str, before: str, after: str) -> None:
        whole = searchable([before + part + after])
        for word in folded(part).split():
            if word in whole:
                assert set(grams_of(word)) <= set(grams_of(whole))

    def test_a_text_is_small_letters_without_accents_each_word_once(self) -> None:
        assert searchable(["José\tO'Brien", "12 JOSE  Street"]) == " jose o'brien 12 street"

    def test_an_australian_number_stands_in_both_forms(self) -> None:
        assert forms_of_phone("+61412345678") == ("+61412345678", "0412345678")
        assert forms_of_phone("+6421345678") == ("+6421345678",)


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def found(database: Database, typed: str) -> set[UUID]:
    async with database.reading() as session:
        return set(await session.scalars(select(Lead.id).where(Search.of(typed).condition())))


class TestSearch:
    ONE: ClassVar[dict[str, Any]] = {
        "name": "Zoë Ångström",
        "email": "zoe+solar@angstrom.example",
        "phone": "+61499111222",
        "street": "7 Banksia Court",
        "suburb": "Fremantle",
        "postcode": "6160",
    }

    @pytest.mark.parametrize(
        "typed",
        [
            "zoe",
            "ÅNGSTRÖM",
            "ngstr",
            "zoe fremantle",
            "fremantle zoe",
            "banksia 6160",
            "0499 111 222",
            "+61 499 111 222",
            "(0499) 111-222",
            "99111",
            "zoe@angstrom.example",
            "zoe+solar",
            "ban co",
            "zo ån",
            "7 6160",
        ],
    )
    async def test_finds_it_by_any_of_its_words(
        self, database: RolledBackDatabase, reception: Reception, typed: str
    ) -> None:
        _, key = await reception.source()
        wanted = await reception.lead(key, **self.ONE)
        await reception.lead(key)
        assert await found(database, typed) == {wanted}

    @pytest.mark.parametrize("typed", ["zoe marrickville", "%", "_", "zoe%", "\\", "zoex", "co zz"])
    async def test_finds_nothing_where_one_word_is_not_there(
        self, database: RolledBackDatabase, reception: Reception, typed: str
    ) -> None:
        _, key = await reception.source()
        await reception.lead(key, **self.ONE)
        assert await found(database, typed) == set()

    def test_says_that_it_looks_at_the_newest_alone_where_no_word_is_long_enough(self) -> None:
        assert Search.of("zo an").is_of_newest
        assert not Search.of("zo ann").is_of_newest
        assert not Search.of("04 12 34 56 78").is_of_newest

    async def test_uses_the_index(self, database: RolledBackDatabase, reception: Reception) -> None:
        _, key = await reception.source()
        await reception.lead(key)
        async with database.reading() as session:
            for way in ("seqscan", "indexscan", "indexonlyscan"):
                await session.execute(text(f"SET LOCAL enable_{way} = off"))
            query = select(Lead.id).where(Search.of("marrick cadogan").condition())
            bound = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
            plan = "\n".join(await session.scalars(text(f"EXPLAIN {bound}".replace(":", "\\:"))))
        assert "ix_lead_search_grams" in plan


class TestFilling:
    async def test_brings_in_who_came_before_there_was_an_index(
        self, database: RolledBackDatabase, reception: Reception, clock: FixedClock
    ) -> None:
        _, key = await reception.source()
        ids = {await reception.lead(key) for _ in range(3)}
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM lead_search"))
        await fill_all(database, clock)
        await fill_all(database, clock)
        assert await found(database, "marrickville") == ids
        assert await count(database, "lead_search") == 3

    async def test_a_lead_that_is_not_here_is_left_out(self, database: RolledBackDatabase) -> None:
        async with database.transaction() as session:
            await index_leads(session, [new_id()])
        assert await count(database, "lead_search") == 0


class TestAFamily:
    """Tom was merged into Mia, and then Mia into Zoe."""

    LOSER: ClassVar[dict[str, Any]] = {"name": "Tom Reid", "email": "tom@reid.example", "phone": "+61499111222"}

    @pytest.fixture
    async def three(self, database: RolledBackDatabase, reception: Reception) -> tuple[UUID, UUID, UUID]:
        _, key = await reception.source()
        tom = await reception.lead(key, **self.LOSER)
        mia = await reception.lead(key, name="Mia Chen", phone="+61400000002")
        zoe = await reception.lead(key, name="Zoe Ng", email="zoe@ng.example", phone="+61400000003")
        await merge(database, mia, tom)
        await merge(database, zoe, mia)
        return tom, mia, zoe

    @pytest.mark.parametrize(
        "typed", ["0499 111 222", "tom@reid.example", "reid", "to re", "tom zoe", "reid +61400000003"]
    )
    async def test_is_found_by_what_any_of_it_said(
        self, database: RolledBackDatabase, three: tuple[UUID, UUID, UUID], typed: str
    ) -> None:
        tom, mia, zoe = three
        assert await found(database, typed) - {tom, mia} == {zoe}
        assert (tom in await found(database, typed)) is ("zoe" not in typed and "3" not in typed)

    async def test_is_found_by_nothing_that_none_of_it_said(
        self, database: RolledBackDatabase, three: tuple[UUID, UUID, UUID]
    ) -> None:
        assert await found(database, "tom zoe walker") == set()
        assert three[0] not in await found(database, "zoe")

    async def test_is_apart_again_once_it_was_taken_apart(
        self, database: RolledBackDatabase, three: tuple[UUID, UUID, UUID]
    ) -> None:
        tom, mia, zoe = three
        await unmerge(database, mia)
        assert await found(database, "reid") == {tom, mia}
        assert await found(database, "zoe") == {zoe}
        await unmerge(database, tom)
        assert await found(database, "reid") == {tom}
        assert await rows(database, "SELECT 1 FROM lead_search WHERE merged <> ''") == []

    async def test_is_found_as_a_whole_after_one_of_it_is_corrected(
        self, database: RolledBackDatabase, three: tuple[UUID, UUID, UUID]
    ) -> None:
        _, _, zoe = three
        command = CorrectLead(zoe, {"name": "Zoe Nguyen"}, CorrectionReason.PERSON_TOLD, None, OPERATOR, NOW)
        async with database.transaction() as session:
            await correct_lead(session, command)
        assert await found(database, "nguyen reid") == {zoe}

    async def test_that_was_one_before_it_was_searched_is_filled_in(
        self, database: RolledBackDatabase, three: tuple[UUID, UUID, UUID], clock: FixedClock
    ) -> None:
        kept = await rows(database, "SELECT * FROM lead_search ORDER BY lead_id")
        async with database.transaction() as session:
            await session.execute(text("UPDATE lead_search SET merged = '', grams = '{}'"))
        await fill_all(database, clock)
        after = await rows(database, "SELECT * FROM lead_search ORDER BY lead_id")
        assert [row["merged"] for row in after] == [row["merged"] for row in kept]
        assert [row["grams"] for row in after if row["merged"]] == [row["grams"] for row in kept if row["merged"]]

    async def test_says_in_list_and_finder_by_which_of_it_a_lead_was_found(
        self, http: Desk, database: RolledBackDatabase, three: tuple[UUID, UUID, UUID]
    ) -> None:
        tom, mia, zoe = three
        assert await named(http, "/console/leads?q=reid") == [
            "Zoe Ng, by a lead merged into it",
            "Mia Chen, by a lead merged into it",
            "Tom Reid",
        ]
        assert await named(http, "/console/leads?q=zoe") == ["Zoe Ng"]
        assert await named(http, f"/console/leads?q={zoe}") == ["Zoe Ng"]
        assert await named(http, "/console/leads") == ["Zoe Ng", "Mia Chen", "Tom Reid"]
        text_ = await page(http, "/console/leads?q=reid")
        assert f'<a href="/console/leads/{mia}">Merged into another lead</a>' in text_
        answer = await http.get("/admin/leads", q="0499 111 222")
        assert {UUID(row["id"]) for row in answer["items"]} == {tom, mia, zoe}
        async with database.reading() as session:
            hits = await FINDERS[0].find(session, "0499 111 222")
        assert [(hit.title, hit.detail.endswith("by a lead merged into it")) for hit in hits] == [
            ("Zoe Ng", True),
            ("Mia Chen", True),
            ("Tom Reid", False),
        ]


class TestTheList:
    async def test_is_narrowed_over_http_as_in_the_room(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        billed = await reception.lead(key, name="Tom Reid", service="heat-pump")
        await tell_all(reception.database, billed)
        other = await reception.lead(key)
        for query, wanted in (
            ({"q": "reid tom"}, {billed}),
            ({"service": "heat-pump"}, {billed}),
            ({"finance": "billable"}, {billed}),
            ({"finance": "credited"}, set()),
            ({"finance": "none"}, {other}),
            ({"late": "true"}, set()),
            ({"owner": "unowned"}, {billed, other}),
            ({"owner": "mine"}, set()),
            ({"owner_id": str(OPERATOR.id)}, set()),
            ({"attention": "critical"}, set()),
        ):
            answer = await http.get("/admin/leads", **query)
            assert {UUID(row["id"]) for row in answer["items"]} == wanted, query

    async def test_comes_in_four_orders_page_by_page(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        ids = [str(await reception.lead(key)) for _ in range(3)]
        (row,) = await rows(reception.database, "SELECT count(*) AS n FROM leads")
        assert row["n"] == 3
        for order, wanted in (("received", ids), ("-received", ids[::-1]), ("since", ids), ("-since", ids[::-1])):
            got: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                sent = {"cursor": cursor} if cursor else {}
                answer = await http.get("/admin/leads", sort=order, limit=2, **sent)
                got += [each["id"] for each in answer["items"]]
                cursor = answer["next"]
            assert got == wanted
