"""Who was merged away is recognised by what they said, and by what the one that goes on said before."""

import re
from dataclasses import replace
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.http.auth import ACCESS_COOKIE
from contracts.envelope import decode_body
from contracts.intake import LeadCorrected, LeadCreated, LeadMerged, LeadUnmerged
from services.intake.commands.leads.correcting import CorrectLead, correct_lead
from services.intake.commands.reviewing import DismissPair, ReleaseLead, dismiss_pair, release_lead
from services.intake.domain import LeadContent
from services.intake.domain.corrections import Correctable, CorrectionReason
from services.intake.domain.duplicates import DismissReason
from services.intake.errors import PairNotFound
from tests.intake.couples import Couples
from tests.intake.desk import Desk
from tests.intake.merges import merge, unmerge
from tests.intake.reception import Reception
from tests.intake.rooms import done, named, page, post, token_of
from tests.intake.samples import NOW, OPERATOR, rows, someone
from tests.intake.test_erasing import erase

FIRST, SECOND = someone(1), someone(2)
PAIRS, LEADS = "/console/duplicates", "/console/leads"


def like(content: LeadContent, number: int = 9) -> LeadContent:
    """The same name and telephone, and nothing else: enough to be held."""
    return someone(number, name=content.name, phone=content.phone)


def ringing_from(content: LeadContent, number: int = 9) -> LeadContent:
    """Of another name: it goes on, and its pair waits."""
    return someone(number, name="Noah Walker", phone=content.phone)


@pytest.fixture
async def merged(couples: Couples) -> tuple[UUID, UUID]:
    """The one that goes on, and the one that was merged into it: they are like each other in nothing."""
    loser, survivor = await couples.leads(FIRST, SECOND)
    await merge(couples.database, survivor, loser)
    return survivor, loser


async def like_what(couples: Couples, lead_id: UUID) -> dict[UUID, tuple[str, bool]]:
    """Those that a lead is like: how that pair stands, and whether it holds the lead."""
    found: dict[UUID, tuple[str, bool]] = {}
    for pair in await couples.pairs():
        two = {pair["lead_id"], pair["other_id"]}
        if lead_id in two and (pair["score"] or pair["holds"]):
            (other,) = two - {lead_id}
            found[other] = (pair["state"], pair["holds"])
    return found


async def told_of(couples: Couples, lead_id: UUID) -> tuple[UUID, ...]:
    """The leads of its person, as the others hear of it."""
    query = "SELECT body FROM outbox WHERE topic = 'intake.leads' AND key = :key ORDER BY id"
    found = await rows(couples.database, query, key=str(lead_id).encode())
    return decode_body(LeadCreated, found[0]["body"]).same_person_lead_ids


async def corrections_of(couples: Couples, lead_id: UUID) -> list[LeadCorrected]:
    query = "SELECT body FROM outbox WHERE topic = 'intake.leads' AND key = :key ORDER BY id"
    found = await rows(couples.database, query, key=str(lead_id).encode())
    return [decode_body(LeadCorrected, each["body"]) for each in found if b"correction_id" in each["body"]]


async def deeds_of(couples: Couples, lead_id: UUID) -> list[tuple[type, tuple[UUID, ...]]]:
    """That it was merged and unmerged, with the leads of its person that are told."""
    query = "SELECT body FROM outbox WHERE topic = 'intake.lead_deeds' AND key = :key ORDER BY id"
    found = await rows(couples.database, query, key=str(lead_id).encode())
    kinds: tuple[type[LeadMerged | LeadUnmerged], ...] = (LeadMerged, LeadUnmerged)
    told = zip(kinds, found, strict=False)
    return [(kind, decode_body(kind, each["body"]).same_person_lead_ids) for kind, each in told]


async def correct(couples: Couples, lead_id: UUID, **given: str) -> None:
    command = CorrectLead(lead_id, given, CorrectionReason.PERSON_TOLD, None, OPERATOR, NOW)
    async with couples.database.transaction() as session:
        await correct_lead(session, command)


async def dismiss(couples: Couples, one: UUID, other: UUID) -> None:
    async with couples.database.transaction() as session:
        await dismiss_pair(session, DismissPair(one, other, DismissReason.TWO_PEOPLE, None, OPERATOR, NOW))


class TestWhoWasMergedAway:
    async def test_is_held_for_when_they_ask_again(self, couples: Couples, merged: tuple[UUID, UUID]) -> None:
        _, loser = merged
        again = await couples.lead(like(FIRST))
        assert await couples.status(again) == "duplicate_review"
        assert await like_what(couples, again) == {loser: ("open", True)}
        async with couples.database.transaction() as session:
            await release_lead(session, ReleaseLead(again, DismissReason.OTHER, None, OPERATOR, NOW))
        assert await told_of(couples, again) == (loser,)

    async def test_is_told_of_by_either_telephone(self, couples: Couples, merged: tuple[UUID, UUID]) -> None:
        """Each by its own alone: who has had what it was merged with is known by the merge, and no longer than that."""
        survivor, loser = merged
        for content, told in ((ringing_from(FIRST, 8), loser), (ringing_from(SECOND, 9), survivor)):
            again = await couples.lead(content)
            assert await couples.status(again) == "routable"
            assert await told_of(couples, again) == (told,)

    async def test_is_told_of_with_the_merge_by_what_they_said(self, couples: Couples) -> None:
        """One that was held, and that nobody had heard of, is like another than the one that it is merged into."""
        alike, other = await couples.leads(FIRST, SECOND)
        held = await couples.lead(like(FIRST))
        await merge(couples.database, other, held)
        assert await deeds_of(couples, held) == [(LeadMerged, (alike,))]
        await unmerge(couples.database, held)
        assert (await deeds_of(couples, held))[1:] == [(LeadUnmerged, (alike,))]

    async def test_is_told_of_once_a_correction_makes_somebody_like_them(self, couples: Couples) -> None:
        """Also of a later one: it had been told of before, when the two had nothing in common."""
        corrected, later = await couples.leads(FIRST, SECOND)
        await correct(couples, corrected, phone=SECOND.phone)
        assert (await corrections_of(couples, corrected))[-1].same_person_lead_ids == (later,)
        await correct(couples, corrected, phone="+61499000111")
        assert (await corrections_of(couples, corrected))[-1].same_person_lead_ids == ()
        await correct(couples, corrected, suburb="Coburg", state="VIC", postcode="3058")
        assert (await corrections_of(couples, corrected))[-1].same_person_lead_ids is None

    async def test_is_told_of_when_somebody_who_was_held_is_let_go(self, couples: Couples) -> None:
        first = await couples.lead(FIRST)
        held = await couples.lead(like(FIRST))
        later = await couples.lead(SECOND)
        await correct(couples, held, phone=SECOND.phone)
        async with couples.database.transaction() as session:
            await release_lead(session, ReleaseLead(held, DismissReason.OTHER, None, OPERATOR, NOW))
        assert first not in await told_of(couples, held)
        assert await told_of(couples, held) == (later,)

    async def test_is_recognised_through_one_merge_after_another(
        self, couples: Couples, merged: tuple[UUID, UUID]
    ) -> None:
        survivor, loser = merged
        last = await couples.lead(someone(3))
        await merge(couples.database, last, survivor)
        again = await couples.lead(ringing_from(FIRST))
        assert await told_of(couples, again) == (loser,)
        await unmerge(couples.database, survivor)
        await unmerge(couples.database, loser)
        assert await like_what(couples, again) == {loser: ("open", False)}
        another = await couples.lead(replace(ringing_from(FIRST, 8), name="Ruby Chen"))
        assert await told_of(couples, another) == (again, loser)

    async def test_is_found_by_who_is_corrected_to_their_words(
        self, couples: Couples, merged: tuple[UUID, UUID]
    ) -> None:
        other = await couples.lead(someone(3))
        await correct(couples, other, phone=FIRST.phone)
        assert await like_what(couples, other) == {merged[1]: ("open", False)}


class TestTheOneThatGoesOn:
    async def test_is_found_by_what_it_said_before_it_took_it_from_the_other(self, couples: Couples) -> None:
        loser, survivor = await couples.leads(FIRST, SECOND)
        taken = frozenset({Correctable.PHONE, Correctable.EMAIL})
        await merge(couples.database, survivor, loser, taken)
        by_phone = await couples.lead(ringing_from(SECOND))
        by_email = await couples.lead(someone(8, email=SECOND.email, name=SECOND.name))
        assert await like_what(couples, by_phone) == {survivor: ("open", False)}
        assert await like_what(couples, by_email) == {survivor: ("open", False)}
        await unmerge(couples.database, loser)
        assert await like_what(couples, by_phone) == {survivor: ("open", False)}

    async def test_is_found_by_it_still_where_what_it_took_is_corrected(self, couples: Couples) -> None:
        """Nobody said that its own was wrong. Once the two are two, what was corrected is all that it says."""
        loser, survivor = await couples.leads(FIRST, SECOND)
        await merge(couples.database, survivor, loser, frozenset({Correctable.PHONE}))
        await correct(couples, survivor, phone="+61499000111")
        assert await like_what(couples, await couples.lead(ringing_from(SECOND))) == {survivor: ("open", False)}
        assert await like_what(couples, await couples.lead(ringing_from(FIRST, 8))) == {loser: ("open", False)}
        await unmerge(couples.database, loser)
        assert survivor not in await like_what(couples, await couples.lead(ringing_from(SECOND, 7)))

    async def test_that_comes_to_say_what_one_of_its_own_says_is_like_it_once_they_are_two(
        self, couples: Couples, merged: tuple[UUID, UUID]
    ) -> None:
        survivor, loser = merged
        last = await couples.lead(someone(3))
        await merge(couples.database, last, survivor)
        await correct(couples, last, phone=FIRST.phone)
        assert loser not in await like_what(couples, last)
        await unmerge(couples.database, survivor)
        assert (await like_what(couples, last))[loser] == ("open", False)


class TestWhatHoldsALead:
    async def test_is_the_right_one_once_the_two_are_two_again(
        self, couples: Couples, merged: tuple[UUID, UUID]
    ) -> None:
        _, loser = merged
        again = await couples.lead(like(FIRST))
        await unmerge(couples.database, loser)
        assert await couples.status(again) == "duplicate_review"
        assert await like_what(couples, again) == {loser: ("open", True)}

    async def test_is_settled_by_a_merge_with_the_one_that_goes_on(
        self, couples: Couples, merged: tuple[UUID, UUID]
    ) -> None:
        survivor, loser = merged
        again = await couples.lead(like(FIRST))
        await merge(couples.database, survivor, again)
        assert (await like_what(couples, again))[loser] == ("merged", True)
        await unmerge(couples.database, again)
        assert await couples.status(again) == "duplicate_review"
        assert (await like_what(couples, again))[loser] == ("open", True)

    async def test_lets_it_go_where_it_goes_on_for_both(self, couples: Couples, merged: tuple[UUID, UUID]) -> None:
        survivor, loser = merged
        again = await couples.lead(like(FIRST))
        await merge(couples.database, again, survivor)
        assert await couples.status(again) == "routable"
        assert await told_of(couples, again) == (loser,)
        await unmerge(couples.database, survivor)
        assert (await like_what(couples, again))[loser] == ("dismissed", True)

    async def test_is_decided_by_what_is_said_of_the_one_that_goes_on(
        self, couples: Couples, merged: tuple[UUID, UUID]
    ) -> None:
        survivor, loser = merged
        again = await couples.lead(like(FIRST))
        await dismiss(couples, survivor, again)
        await dismiss(couples, survivor, again)
        assert await couples.status(again) == "routable"
        assert await like_what(couples, again) == {loser: ("dismissed", True)}
        (entry,) = await rows(couples.database, "SELECT * FROM audit_entries WHERE action = 'dismiss_pair'")
        assert (entry["subject_id"], entry["after"]["not_the_same_as"]) == (str(again), [str(loser)])
        with pytest.raises(PairNotFound):
            await dismiss(couples, again, await couples.lead(someone(5)))

    async def test_of_one_that_was_merged_away_meanwhile_was_decided_lets_it_go_when_it_is_taken_apart(
        self, couples: Couples
    ) -> None:
        first, held, other = await couples.leads(FIRST, like(FIRST, 3), someone(4))
        await merge(couples.database, other, held)
        await dismiss(couples, first, other)
        await unmerge(couples.database, held)
        assert await couples.status(held) == "routable"
        assert await told_of(couples, held) == (first,)

    async def test_is_not_what_an_operator_dismissed_before_the_merge(self, couples: Couples) -> None:
        """They were merged all the same, and what held it besides was decided meanwhile."""
        one, other, held = await couples.leads(FIRST, replace(FIRST, email=SECOND.email), like(FIRST))
        await dismiss(couples, one, held)
        await merge(couples.database, one, held)
        await dismiss(couples, other, one)
        await unmerge(couples.database, held)
        assert await couples.status(held) == "routable"
        assert (await like_what(couples, held))[one] == ("dismissed", True)


class TestTheRooms:
    async def test_compare_what_goes_on(self, http: Desk, couples: Couples, merged: tuple[UUID, UUID]) -> None:
        survivor, loser = merged
        again = await couples.lead(like(FIRST))
        assert await named(http, f"{PAIRS}?state=held&sort=found") == [FIRST.name]
        assert f"{PAIRS}/{again}/{loser}" in await page(http, f"{LEADS}/{again}")
        cookie = f"{ACCESS_COOKIE}={token_of(http)}"
        answer = await http.client.get(f"{PAIRS}/{again}/{loser}", headers={"Cookie": cookie})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PAIRS}/{again}/{survivor}")
        text = await page(http, answer.headers["location"])
        for told in ("One was merged with what is alike", "Same phone, same name", SECOND.name, f"{LEADS}/{loser}"):
            assert told in text
        await done(http, f"{PAIRS}/{again}/{survivor}/dismiss", reason_code="two_people")
        assert await couples.status(again) == "routable"

    async def test_show_what_waits_beside_one_that_was_merged(
        self, http: Desk, couples: Couples, merged: tuple[UUID, UUID]
    ) -> None:
        survivor, loser = merged
        again = await couples.lead(ringing_from(FIRST))
        assert await named(http, f"{PAIRS}?state=to_review") == ["Noah Walker"]
        (row,) = (await http.get("/admin/duplicates", state="open"))["items"]
        assert (row["lead_id"], row["other_id"]) == (str(again), str(loser))
        assert (row["lead_survivor_id"], row["other_survivor_id"]) == (None, str(survivor))
        begun = await post(http, f"{PAIRS}/{again}/{survivor}/dismiss", reason_code="two_people")
        assert begun.status_code == 303
        assert await named(http, f"{PAIRS}?state=to_review") == []

    async def test_say_that_a_person_was_erased_and_leave_nothing_to_look_at(
        self, http: Desk, couples: Couples, merged: tuple[UUID, UUID]
    ) -> None:
        survivor, loser = merged
        again = await couples.lead(ringing_from(FIRST))
        await unmerge(couples.database, loser)
        await erase(Reception(couples.database, FixedClock(NOW)), loser)
        assert "Erased person, solar battery" in await page(http, f"{LEADS}/{again}")
        assert re.search(rf'{LEADS}/{loser}"[^>]*>Erased person<', await page(http, f"{LEADS}/{survivor}"))
        assert "Erased person" in await page(http, PAIRS)
        assert await named(http, f"{PAIRS}?state=to_review") == []
        assert await named(http, f"{PAIRS}?state=settled") == ["Noah Walker"]

    async def test_leave_out_what_is_alike_no_more(self, http: Desk, couples: Couples) -> None:
        await couples.lead(FIRST)
        again = await couples.lead(ringing_from(FIRST))
        await correct(couples, again, phone="+61499000111")
        assert (await http.get("/admin/duplicates", state="open"))["items"] == []
