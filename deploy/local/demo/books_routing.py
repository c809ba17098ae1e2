"""What must hold of dispatch in depth, as an independent reader sees it."""

from itertools import groupby

from deploy.local.demo.equality import Equality
from deploy.local.demo.stage import Stage

MOST_IN_A_ROW = 4
"""What an installer may be owed at the most, and the lead that is its own besides."""


async def of_routing(stage: Stage) -> list[Equality]:
    return await _of_absences(stage)


async def _of_absences(stage: Stage) -> list[Equality]:
    while_away = await stage.reader.number(
        "routing",
        """SELECT count(*) FROM assignments a JOIN installer_absences b ON b.installer_id = a.installer_id
           WHERE a.created_at >= b.starts_at AND a.created_at < least(b.ends_at, b.ended_at)""",
    )
    runs = [await longest_run(stage, name) for name in stage.installers]
    return [
        Equality("leads given to whoever was away", while_away, 0),
        Equality("runs of leads longer than anybody is owed", sum(run > MOST_IN_A_ROW for run in runs), 0),
    ]


async def longest_run(stage: Stage, name: str) -> int:
    """Of exclusive leads that came one by one after the holiday, the most that went to the installer in a row."""
    given = await stage.reader.rows(
        "routing",
        """SELECT a.installer_id::text FROM assignments a
           WHERE a.selected_path = 'recommended_installer'
             AND a.created_at >= (SELECT max(ends_at) FROM installer_absences)
           ORDER BY a.created_at, a.id""",
    )
    own = stage.installers[name]
    return max((len(list(run)) for id_, run in groupby(row[0] for row in given) if id_ == own), default=0)
