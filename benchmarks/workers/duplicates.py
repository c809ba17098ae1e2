"""The search for leads that may be one, in a process of its own: how long it takes, and how often it is right."""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from time import perf_counter
from typing import Any

import uvloop
from sqlalchemy import text

from benchmarks.figure import percentile
from benchmarks.people import Made, people
from chassis.database import Database, create_engine
from chassis.ids import new_id
from services.intake import queries
from services.intake.commands.judging import evidence_of, keys_of
from services.intake.domain.duplicates import MatchKind, score
from services.intake.queries import Keyed

HOLD, REVIEW = 80, 45
WARM_UP = 20
EXACT = text("SELECT lead_id FROM lead_match WHERE kind = 1 AND value = :value ORDER BY lead_id DESC LIMIT 50")


async def searched(url: str, number: int) -> dict[str, float]:
    """Both in turn, each for the same lead: one that comes again, so that there is something to be found."""
    database = Database(create_engine(url, pool_size=1), "/waybill/intake")
    async with database.reading() as session:
        some = "SELECT name, email_match, phone, street, postcode FROM leads ORDER BY sha256(id::text::bytea) LIMIT :n"
        leads = [Made(0, *row) for row in await session.execute(text(some), {"n": number + WARM_UP})]
    exact, near, found = [], [], 0
    for lead in leads:
        keyed = Keyed(new_id(), datetime.now(UTC), keys_of(lead))
        async with database.reading() as session:
            begun = perf_counter()
            (await session.execute(EXACT, {"value": keyed.keys[MatchKind.PHONE]})).all()
            exact.append(perf_counter() - begun)
        async with database.reading() as session:
            begun = perf_counter()
            pairs = [score(evidence_of(lead, other)) for other in await queries.near(session, [keyed])]
            near.append(perf_counter() - begun)
        found += any(pair.number >= HOLD for pair in pairs)
    await database.close()
    assert found == len(leads), "each probe is in the database already"
    return {"exact": _p99(exact), "near": _p99(near)}


def _p99(seconds: list[float]) -> float:
    return percentile(seconds[WARM_UP:], 99) * 1_000


def judged(number: int, seed: int) -> dict[str, float]:
    """In hundredths: of the pairs that are found so many are one, and of those that are one so many are found."""
    made = people(number, seed, again=0.5)
    truth = set(_pairs(_grouped(made, lambda each: [each.person])))
    scores = {pair: score(evidence_of(made[pair[0]], made[pair[1]])).number for pair in _candidates(made)}
    told: dict[str, float] = {}
    for called, threshold in (("held", HOLD), ("shown", REVIEW)):
        found = {pair for pair, number in scores.items() if number >= threshold}
        right = len(found & truth)
        told[f"precision {called}"] = 100 * right / max(1, len(found))
        told[f"recall {called}"] = 100 * right / len(truth)
    return told


def _candidates(made: list[Made]) -> set[tuple[int, int]]:
    return set(_pairs(_grouped(made, lambda each: keys_of(each).items())))


def _grouped(made: list[Made], keys: Any) -> list[list[int]]:
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for place, each in enumerate(made):
        for key in keys(each):
            groups[key].append(place)
    return list(groups.values())


def _pairs(groups: list[list[int]]) -> Iterator[tuple[int, int]]:
    for group in groups:
        yield from combinations(group, 2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database")
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.database:
        print(json.dumps(uvloop.run(searched(options.database, options.number))))
    else:
        print(json.dumps(judged(options.number, options.seed)))


if __name__ == "__main__":
    main()
