"""What if, and was it so: two drafts are simulated over the month's leads, and every decision is made again."""

import asyncio

from chassis.ids import new_id
from deploy.local.demo.equality import Equality
from deploy.local.demo.stage import Stage

DRAFTS = (
    {"days": 90, "everyone": {"caps_percent": 50}},
    {"days": 90, "ignore_rules": ["cap_day", "cap_week", "cap_month"]},
)
AT_ONCE = 8
REPLAYABLE = "SELECT lead_id, attempt_no FROM decisions WHERE inputs IS NOT NULL ORDER BY decided_at, id"


async def try_drafts(stage: Stage) -> None:
    """Half of each cap, and no caps at all: what would have gone elsewhere, and what it comes to."""
    asked = [str(new_id()) for _ in DRAFTS]
    for id_, draft in zip(asked, DRAFTS, strict=True):
        await stage.dispatcher.post("routing", "/admin/simulations", {"id": id_, **draft})
    await stage.reader.until("simulations to end", lambda: _simulations_under_way(stage))
    halved, open_ = [(await stage.dispatcher.get("routing", f"/admin/simulations/{id_}"))["totals"] for id_ in asked]
    stage.tell(
        f"two drafts simulated over {halved['leads']} leads: half the caps move {halved['moved']} and leave "
        f"{halved['after']['unplaced']} with nobody, no caps move {open_['moved']}"
    )


async def _simulations_under_way(stage: Stage) -> int:
    return await stage.reader.number("routing", "SELECT count(*) FROM simulations WHERE state IN ('asked', 'running')")


async def replay_decisions(stage: Stage) -> None:
    """Each of them, a few at once."""
    decisions = await stage.reader.rows("routing", REPLAYABLE)
    at_once = asyncio.Semaphore(AT_ONCE)

    async def is_identical(path: str) -> bool:
        async with at_once:
            return bool((await stage.dispatcher.get("routing", path))["is_identical"])

    paths = [f"/admin/leads/{row['lead_id']}/decisions/{row['attempt_no']}/replay" for row in decisions]
    identical = await asyncio.gather(*map(is_identical, paths))
    stage.tally.decisions_replayed, stage.tally.decisions_identical = len(identical), sum(identical)
    stage.tell(f"{len(paths)} decisions made again: {sum(identical)} of them the same to the last sign")


async def equalities(stage: Stage) -> list[Equality]:
    lost = "SELECT count(*) FROM decisions WHERE inputs IS NULL"
    simulated = "SELECT count(*) FROM simulation_rows r JOIN simulations s ON s.id = r.simulation_id"
    moved = "SELECT coalesce(sum((totals ->> 'moved')::int), 0) FROM simulations WHERE state = 'finished'"
    return [
        Equality(
            "decisions made again the same = decisions made again",
            stage.tally.decisions_identical,
            stage.tally.decisions_replayed,
        ),
        Equality("decisions whose inputs were not kept", await stage.reader.number("routing", lost), 0),
        Equality(
            "leads that simulations moved = rows of them",
            await stage.reader.number("routing", moved),
            await stage.reader.number("routing", simulated),
        ),
    ]
