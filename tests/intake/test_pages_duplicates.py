"""The room of pairs, the task of merging, the settings, and what a lead's page says of all that; without a browser."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from contracts.identity import Role
from tests.intake.couples import Couples
from tests.intake.desk import Desk
from tests.intake.rooms import done, named, page, post, seen_on
from tests.intake.samples import CONTENT, rows, someone
from tests.intake.telling import BRIGHT, tell_all
from tests.kit.databases import RolledBackDatabase

PAIRS, LEADS = "/console/duplicates", "/console/leads"
TWIN = replace(CONTENT, name="Mia OBrien", phone="+61400000009")
NEIGHBOUR = replace(CONTENT, email="mia@else.example", phone="+61400000001", street="12 Cadogn St")
MERGED: Any = {"reason_code": "asked_twice", "reason": "One and the same"}


@pytest.fixture
async def two(couples: Couples) -> list[UUID]:
    """The second is held."""
    return await couples.leads(CONTENT, TWIN)


class TestTheRoom:
    async def test_has_what_is_held_what_waits_and_what_was_decided(
        self, http: Desk, couples: Couples, two: list[UUID]
    ) -> None:
        first, _ = two
        await couples.lead(NEIGHBOUR)
        assert await named(http, f"{PAIRS}?state=held&sort=found") == ["Mia OBrien"]
        assert await named(http, f"{PAIRS}?state=to_review") == ["Mia O'Brien"] * 2
        text = await page(http, f"{PAIRS}?q=0400000009")
        assert "Same email, same address, same name" in text
        await done(http, f"{PAIRS}/{first}/{two[1]}/dismiss", reason_code="two_people")
        assert await named(http, f"{PAIRS}?state=held&sort=found") == []
        assert await named(http, f"{PAIRS}?state=merged&state=dismissed") == ["Mia OBrien"]

    async def test_what_another_setting_no_longer_shows_waits_no_more(self, http: Desk, couples: Couples) -> None:
        await couples.leads(CONTENT, NEIGHBOUR)
        await couples.set(review_from=60)
        assert await named(http, f"{PAIRS}?state=to_review") == []
        assert await named(http, f"{PAIRS}?state=unlike") == ["Mia O'Brien"]

    async def test_many_are_told_apart_at_once(self, http: Desk, couples: Couples) -> None:
        first, second, third = await couples.leads(CONTENT, TWIN, TWIN)
        await done(http, f"{PAIRS}/{first}/{second}/dismiss", reason_code="two_people")
        ids = [
            str(row["id"]) for row in await rows(couples.database, "SELECT id FROM lead_pairs ORDER BY found_at, id")
        ]
        begun = await post(http, f"{PAIRS}/bulk", action="dismiss", ids=ids)
        job = begun.headers["location"]
        assert "It was decided: not duplicates" in await page(http, job)
        await done(http, f"{job}/dismiss", reason_code="two_people", reason="A school class")
        assert await couples.status(third) == "routable"
        assert {pair["state"] for pair in await couples.pairs()} == {"dismissed"}


class TestTheTask:
    async def test_is_begun_from_the_list_by_two_that_nothing_found_alike(self, http: Desk, couples: Couples) -> None:
        first, second = await couples.leads(CONTENT, someone(4))
        assert await couples.pairs() == []
        assert "Compare two" in await page(http, LEADS)
        text = await done(http, f"{LEADS}/bulk", action="compare", ids=[str(second), str(first)])
        assert "Nothing was found in common by itself" in text
        assert all(name in text for name in ("Mia O&#39;Brien", someone(4).name))

    async def test_shows_both_side_by_side_and_keeps_what_was_chosen(self, http: Desk, two: list[UUID]) -> None:
        first, second = two
        text = await page(http, f"{PAIRS}/{second}/{first}")
        assert all(value in text for value in ("Mia O&#39;Brien", "Mia OBrien", "+61412345678", "+61400000009"))
        assert text.index(f'value="{first}" checked') < text.index(f'value="{second}"')
        chosen = await page(
            http, f"{PAIRS}/{second}/{first}?survivor={second}&phone={first}&name={second}&step=confirm"
        )
        assert f'name="survivor_id" value="{second}"' in chosen
        assert 'name="take" value="phone"' in chosen
        assert "It takes phone from the other" in chosen

    async def test_merges(self, http: Desk, couples: Couples, two: list[UUID]) -> None:
        first, second = two
        text = await done(http, f"{PAIRS}/{second}/{first}/merge", survivor_id=str(first), take=["name"], **MERGED)
        assert "merged another lead into it" in text
        assert "Asked twice: One and the same" in text
        assert await couples.status(second) == "closed"
        tomb = await page(http, f"{LEADS}/{second}")
        assert "It was merged into another lead" in tomb
        assert f"{LEADS}/{first}" in tomb

    async def test_refuses_who_saw_them_before_somebody_changed_one(
        self, http: Desk, couples: Couples, two: list[UUID]
    ) -> None:
        first, second = two
        third = await couples.lead(someone(4))
        stale: Any = {"survivor_id": str(first), **MERGED}
        await done(http, f"{PAIRS}/{first}/{third}/merge", **stale)
        answer = await post(http, f"{PAIRS}/{second}/{first}/merge", **stale)
        assert answer.status_code == 409
        assert "changed it meanwhile" in answer.text

    async def test_says_why_two_cannot_be_merged_so(self, http: Desk, couples: Couples, two: list[UUID]) -> None:
        first, second = two
        await done(http, f"{PAIRS}/{second}/{first}/merge", survivor_id=str(first), **MERGED)
        text = await page(http, f"{PAIRS}/{second}/{first}")
        assert "They cannot be merged so" in text
        assert "it was merged into another" in text


class TestCredits:
    async def test_are_proposed_for_who_was_charged(
        self, http: Desk, database: RolledBackDatabase, couples: Couples
    ) -> None:
        first, second = await couples.leads(CONTENT, someone(5))
        await tell_all(database, second)
        at = f"{PAIRS}/{second}/{first}"
        text = await page(http, f"{at}?survivor={first}&step=credits", role=Role.ADMIN)
        assert f'name="credit" value="{BRIGHT}" checked' in text
        assert "WB-000031" in text
        assert "No: nothing is charged for it" in text
        confirm = await page(http, f"{at}?survivor={first}&credit={BRIGHT}&step=confirm", role=Role.ADMIN)
        assert "Finance is asked to credit Bright Roofs" in confirm
        assert "Merge and ask for credits" in confirm
        for_editors = await page(http, f"{at}?survivor={first}&credit={BRIGHT}&step=confirm")
        assert "Your role lacks manage_billing_ops" in for_editors
        fields: Any = {"survivor_id": str(first), "credit": [str(BRIGHT)], **MERGED}
        answer = await post(http, f"{at}/merge-with-credits", role=Role.ADMIN, **fields)
        assert answer.status_code == 303, answer.text
        assert len(await rows(database, "SELECT 1 FROM credit_requests")) == 1
        survivor = await page(http, f"{LEADS}/{first}")
        assert "Not answered yet" in survivor
        assert "Bright Roofs" in survivor

    async def test_are_asked_for_after_a_merge_that_asked_for_none(
        self, http: Desk, database: RolledBackDatabase, couples: Couples
    ) -> None:
        first, second = await couples.leads(CONTENT, someone(5))
        await tell_all(database, second)
        assert "Ask for credits" not in await page(http, f"{LEADS}/{second}", role=Role.ADMIN)
        await done(http, f"{PAIRS}/{second}/{first}/merge", survivor_id=str(first), **MERGED)
        assert "Credits can still be asked for" in await page(http, f"{PAIRS}/{second}/{first}")
        assert "Your role lacks manage_billing_ops" in await page(http, f"{LEADS}/{second}")
        before = await page(http, f"{LEADS}/{second}", role=Role.ADMIN)
        assert "because it went into another lead: duplicate dispatch" in before
        fields: Any = {"credits": [str(BRIGHT)], "reason": "Sold twice", "seen": seen_on(before)}
        answer = await post(http, f"{LEADS}/{second}/ask-credits", role=Role.ADMIN, **fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{LEADS}/{second}?done=ask-credits")
        after = await page(http, f"{LEADS}/{second}?done=ask-credits", role=Role.ADMIN)
        for told in ("Finance is asked for the credits", "asked finance for credits", "Not answered yet"):
            assert told in after
        assert "Ask for credits" not in after
        assert "Credits can still be asked for" not in await page(http, f"{PAIRS}/{second}/{first}")

    async def test_follow_a_correction_where_somebody_was_charged(
        self, http: Desk, database: RolledBackDatabase, couples: Couples
    ) -> None:
        lead_id = await couples.lead()
        assert "Correct and ask for credits" not in await page(http, f"{LEADS}/{lead_id}")
        await tell_all(database, lead_id)
        text = await page(http, f"{LEADS}/{lead_id}", role=Role.ADMIN)
        assert "Bright Roofs, $85.00" in text
        fields: Any = {
            "name": CONTENT.name,
            "email": CONTENT.email,
            "phone": "0499 111 222",
            "street": CONTENT.street,
            "suburb": CONTENT.suburb,
            "state": "NSW",
            "postcode": "2204",
            "service": CONTENT.service,
            "reason_code": "person_told",
            "credits": [str(BRIGHT)],
        }
        nobody = await post(
            http, f"{LEADS}/{lead_id}/correct-with-credits", role=Role.ADMIN, **fields | {"credits": []}
        )
        assert nobody.status_code == 422
        answer = await post(http, f"{LEADS}/{lead_id}/correct-with-credits", role=Role.ADMIN, **fields)
        assert answer.status_code == 303, answer.text
        after = await page(http, answer.headers["location"])
        assert "Corrected, and finance is asked for the credits" in after
        assert "by the correction" in after


class TestALeadsPage:
    async def test_releases_what_is_held(self, http: Desk, couples: Couples, two: list[UUID]) -> None:
        _, second = two
        before = await page(http, f"{LEADS}/{second}")
        assert "It is held: it may be the same as an earlier lead" in before
        text = await done(
            http, f"{LEADS}/{second}/release", reason_code="two_people", reason="Sisters", seen=seen_on(before)
        )
        assert "Released: dispatch has it" in text
        assert "released the lead: it is no duplicate" in text
        assert await couples.status(second) == "routable"

    async def test_rejects_what_is_held(self, http: Desk, two: list[UUID]) -> None:
        _, second = two
        text = await done(http, f"{LEADS}/{second}/reject", reason_code="test_lead", reason="Ours")
        assert "Rejected" in text

    async def test_takes_a_merge_apart(self, http: Desk, couples: Couples, two: list[UUID]) -> None:
        first, second = two
        await done(http, f"{PAIRS}/{second}/{first}/merge", survivor_id=str(first), **MERGED)
        tomb = await page(http, f"{LEADS}/{second}")
        text = await done(
            http, f"{LEADS}/{second}/unmerge", reason_code="two_people", reason="Sisters", seen=seen_on(tomb)
        )
        assert "Unmerged: it is a lead of its own again" in text
        assert await couples.status(second) == "duplicate_review"

    async def test_leads_to_a_comparison_with_any_other(self, http: Desk, couples: Couples) -> None:
        one, other = await couples.leads(CONTENT, someone(3))
        answer = await post(http, f"{LEADS}/{one}/compare", other_id=str(other))
        assert answer.headers["location"].endswith(f"{PAIRS}/{one}/{other}")


FORM: Any = {
    "is_on": "true",
    "hold_from": "90",
    "review_from": "45",
    "reject_from": "",
    "look_back_days": "30",
    "scope": "same_service",
}


class TestTheSettings:
    async def test_are_tried_and_then_saved(self, http: Desk, couples: Couples, two: list[UUID]) -> None:
        assert len(two) == 2
        await couples.lead(someone(6))
        tried = await post(http, f"{PAIRS}/settings/try", **FORM)
        assert tried.status_code == 200, tried.text
        assert "Effect on the leads of the last 30 days" in tried.text
        assert 'value="90"' in tried.text
        saved = await done(http, f"{PAIRS}/settings", **FORM, reason="Too many are held")
        assert "Saved: it holds for what comes in from now on" in saved
        assert "changed the settings" in saved
