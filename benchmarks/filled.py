"""Databases of services with as many rows as a list is measured over, made by statements and not by requests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.stage import Stage
from chassis import migrate
from chassis.clock import SystemClock
from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase, create_database, create_role
from services.intake.commands.filling import fill_all

STATUSES = "{exception,routable,delivered,delivered,delivered,delivered,delivered,delivered,delivered,delivered}"
FIRST = "{Mia,Tom,Zoe,Ava,Noah,Liam,Ruby,Jack,Isla,Leo,Grace,Max,Ella,Finn,Chloe,Oscar,Amelia,Hugo,Priya,Minh}"
LAST = "{OBrien,Reid,Ng,Papadopoulos,Chen,Singh,Walker,Nguyen,Rossi,Kelly,Haddad,Kowalski,Murphy,Tran,Silva,Cohen}"
STREETS = "{Cadogan,Banksia,Wattle,Station,Harbour,Railway,Church,Victoria,Albert,Ocean,Hill,Park,Mill,Queen,King,York}"
SUBURBS = "{Marrickville,Newtown,Fremantle,Carlton,Glenelg,Toowong,Hobart,Dickson,Darwin,Brunswick,Parramatta}"
STATES = "{NSW,NSW,WA,VIC,SA,QLD,TAS,ACT,NT,VIC,NSW}"
POSTCODES = "{2204,2042,6160,3053,5045,4066,7000,2602,0800,3056,2150}"


FILLING_SECONDS = 900
"""For a million rows and their indexes, on two cores that others use too."""

Fill = Callable[[Stage, ServiceDatabase, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Filled:
    """`rows` of the list that is measured; `fill` makes them in the migrated database, which may have another name."""

    service: str
    fill: Fill
    name: str = ""


def tables(made: Callable[[int], Mapping[str, str]], *, triggers: bool = True) -> Fill:
    """Fills each table by the SQL that `made` gives for so many rows, in its order, one transaction a table.

    Without `triggers` nothing is proved and no foreign key looked at: for rows that are known to be right.
    """

    async def fill_tables(stage: Stage, database: ServiceDatabase, rows: int) -> None:
        before = [] if triggers else ["SET session_replication_role = replica"]
        # The next table is made from those before it, by a plan that knows how long they are.
        statements = [part for filled in made(rows).values() for part in (filled, "ANALYZE")]
        execute = stage.postgres().address.execute
        filling = partial(execute, *before, *statements, database=_name(database), seconds=FILLING_SECONDS)
        await asyncio.to_thread(filling)

    return fill_tables


async def fill(stage: Stage, filled: Filled, rows: int) -> ServiceDatabase:
    address = stage.postgres().address
    create_role(address, filled.service)
    database = create_database(address, filled.service, f"filled_{filled.name or filled.service}")
    config = migrate.configuration(filled.service, database.owner_url, filled.service)
    # It runs a loop of its own.
    await asyncio.to_thread(migrate.upgrade, config)
    await filled.fill(stage, database, rows)
    address.execute("VACUUM ANALYZE", database=_name(database), seconds=FILLING_SECONDS)
    return database


async def leads(stage: Stage, database: ServiceDatabase, rows: int) -> None:
    """Of the last year, most of them delivered and billed, each with what it is found by."""
    await tables(_leads)(stage, database, rows)
    ours = Database(create_engine(database.url, pool_size=2), "/waybill/intake")
    await fill_all(ours, SystemClock())
    await ours.close()


def _leads(rows: int) -> Mapping[str, str]:
    seconds = 365 * 24 * 3600 / rows
    return {
        "lead_sources": "INSERT INTO lead_sources (id, name, created_at) VALUES (uuidv7(), 'Solar Quotes', now())",
        "leads": f"""
        INSERT INTO leads (id, source_id, submission_key, fingerprint, accepted_as, status, status_since, selected_path,
                           service, name, email, email_match, phone, street, suburb, state, postcode, received_at,
                           delivered_at, version)
        SELECT uuidv7(at - now()), s.id, 'form-' || n, sha256(n::text::bytea), 'routable', status, at,
               CASE n % 3 WHEN 0 THEN 'recommended_installer' ELSE 'compare_quotes' END,
               CASE n % 4 WHEN 0 THEN 'heat-pump' ELSE 'solar-battery' END, first || ' ' || last,
               lower(first || '.' || last) || n || '@example.test', lower(first || '.' || last) || n || '@example.test',
               '+614' || lpad((n % 100000000)::text, 8, '0'), n % 300 || ' ' || street || ' Street',
               ('{SUBURBS}'::text[])[place], ('{STATES}'::text[])[place], ('{POSTCODES}'::text[])[place], at,
               CASE status WHEN 'delivered' THEN at END, 3
          FROM generate_series(1, {rows}) AS n, lead_sources s,
               LATERAL (SELECT now() - make_interval(secs => ({rows} - n) * {seconds}) AS at,
                               ('{STATUSES}'::text[])[1 + n % 10] AS status,
                               ('{FIRST}'::text[])[1 + (hashint4(n) & 15)] AS first,
                               ('{LAST}'::text[])[1 + ((hashint4(n) >> 4) & 15)] AS last,
                               ('{STREETS}'::text[])[1 + ((hashint4(n) >> 8) & 15)] AS street,
                               1 + abs(hashint4(n) % 11) AS place) AS made
        """,
        "lead_deliveries": """
        INSERT INTO lead_deliveries (assignment_id, lead_id, delivery_event_id, state, unit_price_cents, currency,
                                     recorded_at, since, version)
        SELECT uuidv7(), id, uuidv7(), CASE version % 3 WHEN 0 THEN 'billable' ELSE 'credited' END, 8500, 'AUD',
               delivered_at, delivered_at, 1
          FROM leads WHERE delivered_at IS NOT NULL
        """,
    }


def _routed(rows: int) -> Mapping[str, str]:
    """As many dispatches as assignments and as items of the exception queue, one in fifty of which waits."""
    seconds = 365 * 24 * 3600 / rows
    return {
        "installers": f"""
        INSERT INTO installers (id, name, gst_registered, email, billing_email, time_zone, status, status_since,
                                services, created_at, version)
        SELECT uuidv7(), ('{LAST}'::text[])[1 + n % 16] || ' Solar ' || n, true, 'leads@solar' || n || '.example',
               'accounts@solar' || n || '.example', 'Australia/Sydney', 'active', now(), '{{solar-battery}}', now(), 1
          FROM generate_series(1, 500) AS n
        """,
        "dispatches": f"""
        INSERT INTO dispatches (lead_id, selected_path, service, suburb, state, postcode, status, status_since,
                                attempts_count, received_at, created_at, delivered_at, version)
        SELECT uuidv7(at - now()), CASE n % 3 WHEN 0 THEN 'recommended_installer' ELSE 'compare_quotes' END,
               'solar-battery', ('{SUBURBS}'::text[])[place], ('{STATES}'::text[])[place],
               ('{POSTCODES}'::text[])[place], 'delivered', at, 1, at, at, at, 2
          FROM generate_series(1, {rows}) AS n,
               LATERAL (SELECT now() - make_interval(secs => ({rows} - n) * {seconds}) AS at,
                               1 + abs(hashint4(n) % 11) AS place) AS made
        """,
        "assignments": """
        INSERT INTO assignments (id, lead_id, installer_id, decision_id, selected_path, share_no, status, cap_state,
                                 created_at, sent_at, ended_at, ended_reason, version)
        SELECT uuidv7(d.created_at - now()), d.lead_id, i.id, uuidv7(), d.selected_path, 1,
               CASE d.no % 10 WHEN 0 THEN 'failed' ELSE 'sent' END,
               CASE d.no % 10 WHEN 0 THEN 'given_back' ELSE 'counted' END, d.created_at,
               CASE d.no % 10 WHEN 0 THEN NULL ELSE d.created_at END,
               CASE d.no % 10 WHEN 0 THEN d.created_at END, CASE d.no % 10 WHEN 0 THEN 'mail_refused' END, 2
          FROM (SELECT *, row_number() OVER (ORDER BY created_at) AS no FROM dispatches) AS d
          JOIN (SELECT id, row_number() OVER (ORDER BY id) AS no FROM installers) AS i ON i.no = 1 + d.no % 500
        """,
        "dispatch_exceptions": """
        INSERT INTO dispatch_exceptions (id, lead_id, reason, detail, raised_at, waits_since, last_raised_at,
                                         resolved_at, resolution, resolved_by)
        SELECT uuidv7(created_at - now()), lead_id, 'no_coverage', 'no installer covers the place',
               created_at, created_at, created_at, CASE WHEN no % 50 <> 0 THEN created_at END,
               CASE WHEN no % 50 <> 0 THEN 'retried' END, CASE WHEN no % 50 <> 0 THEN 'schedule' END
          FROM (SELECT *, row_number() OVER (ORDER BY created_at) AS no FROM dispatches) AS d
        """,
    }


def _name(database: ServiceDatabase) -> str:
    return database.url.rpartition("/")[2]


INTAKE = Filled("intake", leads)
ROUTING = Filled("routing", tables(_routed, triggers=False))
