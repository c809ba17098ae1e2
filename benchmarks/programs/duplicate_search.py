"""The search for duplicates against a million leads, beside a look-up of one telephone; and how often it is right.

The leads are made by statements, with the keys that screening would have kept. How often it is right is measured on a
made set of 20,000 people, half of whom ask again as people type: digits swapped, letters dropped, short names, St for
Street, another phone or mailbox. The weights were tuned once, on this set.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.filled import FILLING_SECONDS, Filled, fill
from benchmarks.stage import Stage
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P22", "P23")
LIBRARIES = ("rapidfuzz", "asyncpg")

ROWS, PROBES, PEOPLE = 1_000_000, 2_000, 20_000
FACTOR = 3.0
OURS, EXACT = "candidates and their scores", "an exact look-up of a phone"
FOUND, ALL = "what is found", "of a hundred"
P99 = "p99 ms"
SHARES = ("precision held", "recall held", "precision shown", "recall shown")


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    rows, probes, number = stage.sized(ROWS, 2_000), stage.sized(PROBES, 50), stage.sized(PEOPLE, 400)
    database = await fill(stage, Filled("intake", _leads, "intake_matched"), rows)
    pair = _Pair(stage, database, probes)
    search = Figure(
        "duplicate search",
        f"Duplicates of a lead among {rows:,}",
        [Side(OURS, pair.ours), Side(EXACT, pair.exact)],
        [Claim("P22", P99, OURS, EXACT, at_most=FACTOR)],
        {"rows": rows, "probes": probes},
    )
    found = _Found(stage, number)
    right = Figure(
        "duplicates found",
        f"Precision and recall on {number:,} made people, half of whom ask again",
        [Side(FOUND, found.ours), Side(ALL, found.all)],
        [Claim("P23", f"{share} %", FOUND, ALL) for share in SHARES],
        {"people": number},
    )
    yield [search, right]


@dataclass
class _Pair:
    """One process measures both in turn; each side tells its half."""

    stage: Stage
    database: ServiceDatabase
    probes: int
    measured: dict[str, float] = field(default_factory=dict)

    async def ours(self) -> Sample:
        parts = ("--database", self.database.url, "--number", self.probes)
        self.measured = await self.stage.result_of(self.stage.launch("benchmarks.workers.duplicates", *parts))
        return {P99: self.measured["near"]}

    async def exact(self) -> Sample:
        return {P99: self.measured["exact"]}


@dataclass
class _Found:
    stage: Stage
    number: int

    async def ours(self) -> Sample:
        told = await self.stage.result_of(self.stage.launch("benchmarks.workers.duplicates", "--number", self.number))
        return {f"{name} %": told[name] for name in SHARES}

    async def all(self) -> Sample:
        return {f"{name} %": 100.0 for name in SHARES}


async def _leads(stage: Stage, database: ServiceDatabase, rows: int) -> None:
    name = database.url.rpartition("/")[2]
    stage.postgres().address.execute(*_statements(rows), database=name, seconds=FILLING_SECONDS)


BEGINS = "{mac,har,wil,tho,kow,pap,nov,sin,ngu,rob,car,fra,wal,hen,gor,lin,bar,mur,ste,col}"
ENDS = "{son,ski,dis,ic,gh,en,ton,ley,man,ers,by,field,worth,as,er,o}"
FIRST = "{mia,tom,zoe,ava,noah,liam,ruby,jack,isla,leo,grace,max,ella,finn,chloe,oscar,amelia,hugo,priya,minh}"
STREETS = "{banksia,wattle,station,church,victoria,albert,railway,park,george,ocean,hillcrest,ironbark,mill,bridge}"


def _statements(rows: int) -> Sequence[str]:
    """The leads of a year, and their keys as domain/duplicates.py makes them."""
    seconds = 365 * 24 * 3600 / rows
    return (
        "INSERT INTO lead_sources (id, name, created_at) VALUES (uuidv7(), 'Solar Quotes', now())",
        f"""
        INSERT INTO leads (id, source_id, submission_key, fingerprint, accepted_as, status, status_since, selected_path,
                           service, name, email, email_match, phone, street, suburb, state, postcode, received_at,
                           version)
        SELECT uuidv7(at - now()), s.id, 'form-' || n, sha256(n::text::bytea), 'received', 'routable', at,
               'compare_quotes', 'solar-battery', first || ' ' || last, mailbox, mailbox,
               '+614' || lpad((n % 100000000)::text, 8, '0'), n % 240 + 1 || ' ' || street || ' street',
               'Suburb', 'NSW', lpad((2000 + abs(hashint4(n + 7)) % 900)::text, 4, '0'), at, 1
          FROM generate_series(1, {rows}) AS n, lead_sources s,
               LATERAL (SELECT now() - make_interval(secs => ({rows} - n) * {seconds}) AS at,
                               ('{FIRST}'::text[])[1 + abs(hashint4(n)) % 20] AS first,
                               ('{BEGINS}'::text[])[1 + abs(hashint4(n + 1)) % 20]
                               || ('{BEGINS}'::text[])[1 + abs(hashint4(n + 2)) % 20]
                               || ('{ENDS}'::text[])[1 + abs(hashint4(n + 3)) % 16] AS last,
                               ('{STREETS}'::text[])[1 + abs(hashint4(n + 4)) % 14] AS street) AS made,
               LATERAL (SELECT first || '.' || last || n || '@post.example' AS mailbox) AS named
        """,
        r"""
        INSERT INTO lead_match (kind, value, lead_id, received_at)
        SELECT kind, substring(sha256(convert_to(said, 'UTF8')) FOR 16), id, received_at
          FROM leads,
               LATERAL (SELECT regexp_replace(
                   regexp_replace(split_part(name, ' ', 2), '[aeiou]', '', 'g'), '(.)\1+', '\1', 'g') AS sounds) AS s,
               LATERAL (VALUES (1, phone), (2, email_match), (3, street || '|' || postcode),
                               (4, left(name, 1) || '|' || sounds || '|' || postcode)) AS keys (kind, said)
         WHERE kind <> 4 OR sounds <> ''
        """,
    )
