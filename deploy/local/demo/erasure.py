"""Somebody asks to be forgotten: their leads are found, erased, and looked for everywhere afterwards."""

from typing import Any

from chassis.ids import new_id
from deploy.local.demo.equality import Equality
from deploy.local.demo.stage import Stage

# Whose lead was sold and talked about: most has to be forgotten of them, and the money stays.
_SOMEBODY = """
    SELECT l.id, l.email, l.phone, l.street FROM leads l JOIN follow_ups f ON f.lead_id = l.id
    WHERE l.delivered_at IS NOT NULL AND f.state = 'done' ORDER BY l.id LIMIT 1
"""
_TABLES = "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
_DESTROYED = "SELECT count(*) FROM lead_keys WHERE key IS NULL AND version > 0"


async def erase_somebody(stage: Stage) -> None:
    """All of their leads at once, as the person is found by their e-mail."""
    (person,) = await stage.reader.rows("intake", _SOMEBODY)
    found = await stage.dispatcher.get("intake", "/admin/erasures/search", q=person["email"])
    body = {
        "id": str(new_id()),
        "lead_ids": [lead["id"] for lead in found],
        "asked_via": "person",
        "reason_code": "consent_withdrawn",
        "note": "Asked by telephone, called back on the number that we had",
    }
    erasure = await stage.dispatcher.post("intake", "/admin/erasures", body)
    stage.tally.erased_leads = len(erasure["lead_ids"])
    stage.tally.erased_words = (person["email"], person["phone"], person["street"])
    await stage.reader.until("the person to be forgotten by all", lambda: _still_known(stage))
    holders = sorted({name for lead in found for name in lead["given_to"]})
    stage.tell(f"a person erased with {len(found)} of their leads; {len(holders)} installers are to be asked as well")


async def _still_known(stage: Stage) -> int:
    """Keys that the services which deliver have not destroyed yet."""
    gone = [await stage.reader.number(service, _DESTROYED) for service in ("routing", "notifications")]
    return stage.tally.erased_leads * len(gone) - sum(gone)


async def equalities(stage: Stage) -> list[Equality]:
    destroyed = await stage.reader.number("intake", _DESTROYED)
    erased = await stage.reader.number("intake", "SELECT count(*) FROM leads WHERE erased_at IS NOT NULL")
    return [
        Equality("leads erased = keys destroyed", erased, destroyed),
        Equality("leads erased = leads of whoever asked for it", erased, stage.tally.erased_leads),
        Equality("rows that tell of the erased person", await _rows_that_tell(stage), 0),
    ]


async def _rows_that_tell(stage: Stage) -> int:
    """Of every table of every database."""
    patterns: list[Any] = [f"%{word.lower()}%" for word in stage.tally.erased_words]
    found = 0
    for service in stage.reader.services:
        for table in await stage.reader.rows(service, _TABLES):
            query = f"SELECT count(*) FROM {table['name']} t WHERE lower(t::text) LIKE ANY ($1::text[])"
            found += await stage.reader.number(service, query, patterns)
    return found
