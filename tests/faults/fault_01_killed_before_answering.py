"""Sources whose lead was taken in by a process that did not live to say so."""

import signal

from tests.faults.fault import Fault, Round
from tests.faults.points import WRITTEN_AT_ONCE, Point


class KilledBeforeItAnswers(Fault):
    number = 1
    injects = "kill -9 of intake between the COMMIT of a lead and its answer"
    holds = "the source's repetition under the same key gets the id that was committed; the lead is charged once (I6)"
    kills = True

    async def inject(self, at: Round) -> None:
        self._unheard_of: dict[str, str] = {}
        async with at.rig.hold("intake"):
            for _ in range(max(1, at.scale.kills // 3)):
                point = Point(WRITTEN_AT_ONCE, "kill", side="after", hit=at.chance.randint(1, 5))
                process = await at.rig.start("intake", points=[point])
                code = await process.ended()
                at.require(code == -signal.SIGKILL, f"intake ended with {code} in the place of being killed")
                at.note("kills")
                await self._note_unanswered(at)
            await at.rig.start("intake")

    async def _note_unanswered(self, at: Round) -> None:
        """Nobody can be answered between the death and the next start, so that whoever is in the table is not yet."""
        rows = await at.rig.pools["intake"].fetch("SELECT submission_key, id FROM leads")
        found = {row["submission_key"]: str(row["id"]) for row in rows if row["submission_key"] not in at.load.answers}
        at.require(bool(found), "the process died, and no lead was left without its answer")
        at.note("leads committed and not answered", len(found.keys() - self._unheard_of.keys()))
        self._unheard_of |= found

    async def verify(self, at: Round) -> None:
        for key, lead_id in self._unheard_of.items():
            told = at.load.answers.get(key)
            at.require(told == {lead_id}, f"the repetition of {key} was told {told}, {lead_id} was committed")
