"""Two that are one: people ask twice, by another source and spelt otherwise; most are held, some sold twice."""

import asyncio
from typing import Any

from deploy.local.demo import leads
from deploy.local.demo.equality import Equality
from deploy.local.demo.leads import CONSENT
from deploy.local.demo.stage import Stage

HELD, MERGED = 30, 20
"""So many come again under the same telephone, of whom so many are merged and the others released."""
REVIEWED, SOLD_TWICE = 10, 3
"""So many come again from another telephone and go on; of so many that both were sold the second sale is credited."""
AT_ONCE = 8
FIRST_LETTERS = 3


async def ask_twice(stage: Stage) -> None:
    """Forty people ask again: thirty of these leads wait for a look, ten are dispatched."""
    listed = await stage.dispatcher.get("intake", "/admin/leads", status="delivered", limit=HELD + REVIEWED)
    details = [await stage.dispatcher.get("intake", f"/admin/leads/{each['id']}") for each in listed["items"]]
    gate = asyncio.Semaphore(AT_ONCE)
    again = [
        leads.submit(stage, number, _spelt_otherwise(stage, each, is_held=number < HELD), gate)
        for number, each in enumerate(details)
    ]
    answers = await asyncio.gather(*again)
    stage.tally.leads_accepted += len({answer["id"] for answer in answers})
    await leads.until_settled(stage)
    held = await stage.reader.number("intake", "SELECT count(*) FROM leads WHERE status = 'duplicate_review'")
    stage.tell(f"{len(answers)} people ask a second time: {held} leads are held for a look")
    await _look_through(stage)
    await _credit_what_was_sold_twice(stage)


def _spelt_otherwise(stage: Stage, lead: Any, *, is_held: bool) -> dict[str, Any]:
    """The street's kind in short; where it is not held, from another telephone and under a short name."""
    *street, kind = lead["street"].split()
    other = stage.crowd.person()
    first, _, last = lead["name"].partition(" ")
    return {
        "client_submission_key": f"again-{lead['id']}",
        "selected_path": lead["selected_path"],
        "service": lead["service"],
        "name": lead["name"] if is_held else f"{first[:FIRST_LETTERS]} {last}",
        "email": other.email if is_held else lead["email"],
        "phone": lead["phone"] if is_held else other.phone,
        "address": {
            "street": " ".join([*street, kind[:2] if kind in ("Street", "Road") else kind])
            if is_held
            else other.street,
            "suburb": lead["suburb"],
            "state": lead["state"],
            "postcode": lead["postcode"],
        },
        "consent": CONSENT,
    }


async def _look_through(stage: Stage) -> None:
    """Most are one with the lead before them; one of these was not, after all."""
    pairs = {each["lead_id"]: each for each in await stage.dispatcher.every("intake", "/admin/duplicates", held=True)}
    for number, pair in enumerate(pairs.values()):
        if number < MERGED:
            body = {"loser_id": pair["lead_id"], "reason_code": "asked_twice", "reason": "The same request"}
            await stage.dispatcher.post("intake", f"/admin/leads/{pair['other_id']}/merge", body)
        else:
            await _release(stage, pair["lead_id"])
    (mistaken, *_) = pairs
    apart = {"reason_code": "two_people", "reason": "Mother and daughter, under one telephone"}
    await stage.dispatcher.post("intake", f"/admin/leads/{mistaken}/unmerge", apart)
    await _release(stage, mistaken)
    await leads.until_settled(stage)
    stage.tell(f"{MERGED} of them merged, one of these taken apart again, {len(pairs) - MERGED} released")


async def _release(stage: Stage, lead_id: str) -> None:
    await stage.dispatcher.post("intake", f"/admin/leads/{lead_id}/release", {"reason_code": "two_people"})


_SOLD = """
    SELECT p.lead_id, p.other_id, array_agg(d.assignment_id) AS assignments
      FROM lead_pairs p JOIN leads l ON l.id = p.lead_id
      JOIN lead_deliveries d ON d.lead_id = p.lead_id AND d.state = 'billable'
     WHERE p.state = 'open' AND NOT p.holds AND l.status = 'delivered' AND p.reasons && '{same_email}'
     GROUP BY p.lead_id, p.other_id ORDER BY p.lead_id LIMIT $1
"""


async def _credit_what_was_sold_twice(stage: Stage) -> None:
    """Finance merges what was delivered twice, and asks billing for the credits in the same deed."""
    sold = await stage.reader.rows("intake", _SOLD, SOLD_TWICE)
    for row in sold:
        body = {
            "loser_id": str(row["lead_id"]),
            "credits": [str(each) for each in row["assignments"]],
            "reason_code": "asked_twice",
            "reason": "Sold twice",
        }
        await stage.finance.post("intake", f"/admin/leads/{row['other_id']}/merge-with-credits", body)
    await stage.reader.until("answers to credits", lambda: _unanswered(stage))
    await leads.until_settled(stage)
    credits_ = sum(len(row["assignments"]) for row in sold)
    stage.tell(f"{len(sold)} leads that were sold twice are merged, and {credits_} deliveries are not charged for it")


async def _unanswered(stage: Stage) -> int:
    return await stage.reader.number("intake", "SELECT count(*) FROM credit_requests WHERE result IS NULL")


async def equalities(stage: Stage) -> list[Equality]:
    number = stage.reader.number
    standing = await number("intake", "SELECT count(*) FROM merges WHERE unmerged_at IS NULL")
    asked = await number("intake", "SELECT count(*) FROM credit_requests")
    ours = [row["request_id"] for row in await stage.reader.rows("intake", "SELECT request_id FROM credit_requests")]
    answered = "SELECT count(*) FROM credit_requests WHERE request_id = ANY ($1) AND result IS NOT NULL"
    return [
        Equality(
            "leads merged away = merges that stand",
            await number("intake", "SELECT count(*) FROM leads WHERE merged_into IS NOT NULL"),
            standing,
        ),
        Equality(
            "merges that stand = leads that routing links so",
            standing,
            await number("routing", "SELECT count(*) FROM lead_links WHERE kind = 'merged'"),
        ),
        Equality("credits asked for = credits answered by billing", asked, await number("billing", answered, ours)),
        Equality(
            "credits answered = credited, voided or waiting",
            asked,
            await number(
                "intake",
                "SELECT count(*) FROM credit_requests WHERE result IN ('credited', 'voided', 'waits_for_invoice', "
                "'pending_approval')",
            ),
        ),
    ]
