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
OPERATORS = f"""
    SELECT n, md5('operator ' || n)::uuid AS id,
           ('{FIRST}'::text[])[1 + n] || ' ' || ('{LAST}'::text[])[1 + n % 16] AS name
      FROM generate_series(0, 19) AS n
"""
"""Twenty who work on what there is, by a number from zero on."""


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
    """As many follow-ups and deeds as leads; one in fifty follow-ups is open, one in ten nobody's."""
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
        "follow_ups": f"""
        INSERT INTO follow_ups (id, lead_id, owner_id, owner_name, channel, due_at, note, state, outcome, created_at,
                                created_by, done_at, done_by)
        SELECT uuidv7(received_at - now()), lead_id, who.id, who.name,
               ('{{call,sms,email,visit,other}}'::text[])[1 + no % 5], received_at + interval '1 day',
               'Ask for the roof and the meter', state,
               CASE state WHEN 'done' THEN ('{{reached,booked,left_message,no_answer}}'::text[])[1 + no % 4] END,
               received_at, 'Robin Field', CASE state WHEN 'open' THEN NULL ELSE received_at + interval '1 day' END,
               CASE state WHEN 'open' THEN NULL ELSE 'Robin Field' END
          FROM (SELECT id AS lead_id, received_at, (row_number() OVER (ORDER BY received_at))::int AS no
                  FROM leads) AS l
          CROSS JOIN LATERAL (SELECT CASE no % 50 WHEN 0 THEN 'open' WHEN 1 THEN 'cancelled' ELSE 'done' END AS state)
                          AS made
          LEFT JOIN ({OPERATORS}) AS who ON who.n = no / 7 % 20 AND no / 7 % 10 <> 0
        """,
        "audit_entries": f"""
        INSERT INTO audit_entries (id, occurred_at, actor_id, actor_name, action, subject_kind, subject_id, before,
                                   after, reason_code, request_id)
        SELECT uuidv7(received_at - now()), received_at, who.id, who.name, 'correct_lead', 'lead', l.id::text,
               NULL, jsonb_build_object('fields', jsonb_build_array('suburb')), 'person_told', uuidv7()::text
          FROM (SELECT *, (row_number() OVER (ORDER BY received_at))::int AS no FROM leads) AS l
          JOIN ({OPERATORS}) AS who ON who.n = l.no % 20
        """,
    }


def _routed(rows: int) -> Mapping[str, str]:
    """As many dispatches as assignments, items of the exception queue and returns; one item in fifty waits."""
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
        "returns": _RETURNS,
    }


# Of what was sent, which is nine in ten; a ninth of those is asked for, withdrawn and asked for again.
_RETURNS = """
    INSERT INTO returns (id, assignment_id, lead_id, installer_id, code, words, asked_by, channel, requested_at,
                         requested_by_name, decide_by, evidence, rule_verdict, rule_reason, state, decided_at,
                         decided_by_name, denial_code, decision_note, credit_reason, is_offered_on, credit_result,
                         credit_answered_at)
    SELECT uuidv7(asked_at - now()), id, lead_id, installer_id,
           ('{contact_invalid,out_of_area,wrong_service}'::text[])[1 + no % 3], 'Nobody of that name lives there',
           'installer', 'mail', asked_at, 'Robin Field', asked_at + interval '7 days',
           '{"quota": {"accepted": 3, "allowed": 10, "percent": 10}}', 'ask', 'a_person_can_tell', state, decided_at,
           CASE WHEN state <> 'requested' THEN 'Robin Field' END, CASE state WHEN 'denied' THEN 'not_proven' END,
           CASE state WHEN 'denied' THEN 'The number was answered' END,
           CASE state WHEN 'accepted' THEN 'invalid_contact' END, CASE state WHEN 'accepted' THEN false END,
           CASE state WHEN 'accepted' THEN 'credited' END, CASE state WHEN 'accepted' THEN decided_at END
      FROM (SELECT id, lead_id, installer_id, sent_at, (row_number() OVER (ORDER BY created_at))::int AS no
              FROM assignments WHERE status = 'sent') AS s,
           LATERAL generate_series(1, CASE no % 9 WHEN 0 THEN 2 ELSE 1 END) AS turn,
           LATERAL (SELECT CASE WHEN no % 9 = 0 AND turn = 1 THEN 'withdrawn' WHEN no % 50 = 1 THEN 'requested'
                                WHEN no % 3 = 0 THEN 'denied' ELSE 'accepted' END AS state,
                           sent_at + turn * interval '1 hour' AS asked_at) AS made,
           LATERAL (SELECT CASE WHEN state <> 'requested' THEN asked_at + interval '30 minutes' END AS decided_at)
                AS ended
"""


def _name(database: ServiceDatabase) -> str:
    return database.url.rpartition("/")[2]


INTAKE = Filled("intake", leads)
ROUTING = Filled("routing", tables(_routed, triggers=False))
