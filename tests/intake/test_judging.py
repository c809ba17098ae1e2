"""Looking for leads that may be one: what is held, what waits for review, and what the others are told of it."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from contracts.envelope import decode_body
from contracts.intake import LeadCreated
from services.intake import queries
from services.intake.commands.leads.correcting import CorrectLead, correct_lead
from services.intake.domain.corrections import CorrectionReason
from services.intake.queries import Effect
from tests.intake.couples import Couples
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows, someone
from tests.kit.databases import RolledBackDatabase

HOUR = timedelta(hours=1)
TWIN = replace(CONTENT, name="Mia OBrien", street="12 Cadogan St")
NEIGHBOUR = replace(CONTENT, name="Mia O'Brien", email="mia@else.example", phone="+61400000001", street="12 Cadogn St")


class TestWhatComesTwice:
    async def test_is_held_and_nobody_hears_of_it(self, couples: Couples) -> None:
        first, second = await couples.leads(CONTENT, TWIN)
        assert (await couples.status(first), await couples.status(second)) == ("routable", "duplicate_review")
        assert await couples.events() == [("lead.created", first)]
        (pair,) = await couples.pairs()
        assert pair == {
            "lead_id": second,
            "other_id": first,
            "score": 100,
            "reasons": ["same_phone", "same_email", "same_address", "same_name"],
            "days_apart": 0,
            "is_same_service": True,
            "holds": True,
            "state": "open",
            "screened_score": None,
        }

    async def test_between_the_thresholds_goes_on_and_its_pair_waits(self, couples: Couples) -> None:
        first, second = await couples.leads(CONTENT, NEIGHBOUR)
        assert await couples.status(second) == "routable"
        (pair,) = await couples.pairs()
        assert (pair["score"], pair["holds"], pair["state"]) == (45, False, "open")
        assert await couples.events() == [("lead.created", first), ("lead.created", second)]

    async def test_at_once_lets_the_first_in(self, couples: Couples, database: RolledBackDatabase) -> None:
        contents = [replace(CONTENT, name=f"Mia O'Brien {n}") for n in "abcd"]
        for content in contents:
            await couples.take(content)
        await couples.screen()
        statuses = [row["status"] for row in await rows(database, "SELECT status FROM leads ORDER BY id")]
        assert statuses == ["routable", *["duplicate_review"] * 3]
        assert len(await couples.pairs()) == 6

    async def test_is_like_nobody_who_is_somebody_else(self, couples: Couples) -> None:
        _, other = await couples.leads(CONTENT, someone(7))
        assert await couples.status(other) == "routable"
        assert await couples.pairs() == []


class TestTheSettings:
    async def test_that_are_off_hold_nothing_and_keep_what_is_found(self, couples: Couples) -> None:
        await couples.set(is_on=False)
        _, second = await couples.leads(CONTENT, TWIN)
        assert await couples.status(second) == "routable"
        assert [pair["holds"] for pair in await couples.pairs()] == [False]

    async def test_look_back_no_further_than_they_say(self, couples: Couples) -> None:
        _, second, third = await couples.leads(CONTENT, TWIN, TWIN, apart=timedelta(days=29))
        assert await couples.status(second) == await couples.status(third) == "duplicate_review"
        await couples.set(look_back_days=10)
        assert await couples.status(await couples.lead(TWIN, at=NOW + timedelta(days=11))) == "routable"

    async def test_hold_another_service_only_where_they_say_so(self, couples: Couples) -> None:
        other_service = replace(TWIN, service="heat-pump")
        _, second = await couples.leads(CONTENT, other_service)
        assert await couples.status(second) == "routable"
        await couples.set(scope="any")
        assert await couples.status(await couples.lead(other_service)) == "duplicate_review"

    async def test_may_reject_by_themselves(self, couples: Couples, database: RolledBackDatabase) -> None:
        await couples.set(reject_from=95)
        first, second = await couples.leads(CONTENT, TWIN)
        assert await couples.status(second) == "rejected"
        assert await couples.events() == [("lead.created", first), ("lead.rejected", second)]
        (row,) = await rows(database, "SELECT version, reject_reason FROM leads WHERE id = :id", id=second)
        assert row == {"version": 1, "reject_reason": "duplicate"}
        (step,) = await rows(database, "SELECT reason_code FROM lead_status_changes WHERE to_status = 'rejected'")
        assert step == {"reason_code": "duplicate"}
        third = await couples.lead(replace(TWIN, name="M"), at=NOW)
        assert {pair["other_id"] for pair in await couples.pairs() if pair["lead_id"] == third} == {first}


class TestWhatTheOthersAreTold:
    async def test_names_the_persons_earlier_leads_the_newest_first(
        self, couples: Couples, database: RolledBackDatabase
    ) -> None:
        await couples.set(is_on=False)
        first, second, _, last = await couples.leads(
            CONTENT,
            replace(CONTENT, email="mia@else.example"),
            NEIGHBOUR,
            replace(TWIN, service="heat-pump"),
        )
        (event,) = await rows(database, "SELECT body FROM outbox WHERE topic = 'intake.leads' ORDER BY id DESC LIMIT 1")
        told = decode_body(LeadCreated, event["body"])
        assert (told.lead_id, told.same_person_lead_ids) == (last, (second, first))


class TestACorrection:
    async def test_looks_anew_and_takes_nothing_back(self, couples: Couples, database: RolledBackDatabase) -> None:
        first, second = await couples.leads(CONTENT, someone(1))
        await _correct(database, second, phone=CONTENT.phone, email=CONTENT.email)
        assert await couples.status(second) == "routable"
        (pair,) = await couples.pairs()
        assert (pair["lead_id"], pair["other_id"], pair["holds"]) == (second, first, False)
        assert pair["reasons"] == ["same_phone", "same_email", "other_name"]

    async def test_of_the_older_one_leaves_the_newer_one_the_pairs_own(
        self, couples: Couples, database: RolledBackDatabase
    ) -> None:
        first, second = await couples.leads(someone(1), CONTENT)
        await _correct(database, first, phone=CONTENT.phone, name=CONTENT.name)
        (pair,) = await couples.pairs()
        assert (pair["lead_id"], pair["other_id"]) == (second, first)

    async def test_takes_back_what_was_alike_by_the_mistake_alone(
        self, couples: Couples, database: RolledBackDatabase
    ) -> None:
        _, second = await couples.leads(CONTENT, someone(1))
        await _correct(database, second, phone=CONTENT.phone, email=CONTENT.email)
        await _correct(database, second, email="right@post.example")
        (pair,) = await couples.pairs()
        assert (pair["score"], pair["reasons"]) == (45, ["same_phone", "other_name"])
        await _correct(database, second, phone="+61499000111")
        assert await couples.pairs() == []

    async def test_leaves_a_preview_what_was_found_as_they_came_in(
        self, couples: Couples, database: RolledBackDatabase
    ) -> None:
        _, second, third = await couples.leads(CONTENT, NEIGHBOUR, someone(1))
        before = await _effect(database)
        assert (before.held, before.reviewed) == (0, 1)
        await _correct(database, second, name="Noah Walker", street="1 Other Road")
        await _correct(database, third, phone=CONTENT.phone, email=CONTENT.email, name=CONTENT.name)
        assert [pair["lead_id"] for pair in await couples.pairs() if not pair["score"]] == [second]
        assert await _effect(database) == before
        async with database.reading() as session:
            assert [pair.lead_id for pair in await queries.pairs_of(session, [second])] == []
        await _correct(database, second, name=NEIGHBOUR.name, street=NEIGHBOUR.street)
        (again,) = [pair for pair in await couples.pairs() if pair["lead_id"] == second]
        assert (again["score"], again["screened_score"]) == (45, None)

    async def test_of_one_that_is_held_leaves_it_held(self, couples: Couples, database: RolledBackDatabase) -> None:
        _, second = await couples.leads(CONTENT, TWIN)
        await _correct(database, second, name="Noah Walker")
        assert await couples.status(second) == "duplicate_review"
        (pair,) = await couples.pairs()
        assert (pair["holds"], pair["state"]) == (True, "open")

    async def test_is_found_by_what_comes_later(self, couples: Couples, database: RolledBackDatabase) -> None:
        lead_id = await couples.lead(someone(1))
        await _correct(database, lead_id, phone="+61499000111", email="right@post.example")
        later = await couples.lead(someone(2, phone="+61499000111", email="right@post.example"))
        assert await couples.status(later) == "duplicate_review"


async def _correct(database: RolledBackDatabase, lead_id: UUID, **given: str) -> None:
    command = CorrectLead(lead_id, given, CorrectionReason.PERSON_TOLD, None, OPERATOR, NOW)
    async with database.transaction() as session:
        await correct_lead(session, command)


async def _effect(database: RolledBackDatabase) -> Effect:
    async with database.reading() as session:
        return await queries.effect_of(session, await queries.thresholds(session), NOW - HOUR, NOW + HOUR)
