"""What was merged is found by what it said: pairs within a family are decided, survivors keep their own words' keys.

Of what a lead said before it took it from another, phone and e-mail are brought in here; its name and its street come
with its next correction or merge.
"""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# Until now a pair with a lead that was merged waited for nothing, whoever the other was.
DECIDE = """
WITH RECURSIVE family AS (
    SELECT into_it.id AS survivor_id, leads.id
      FROM leads JOIN leads into_it ON into_it.id = leads.merged_into
     WHERE leads.merged_into IS NOT NULL AND into_it.merged_into IS NULL
     UNION ALL
    SELECT family.survivor_id, leads.id
      FROM family JOIN leads ON leads.merged_into = family.id AND leads.merged_into IS NOT NULL
), member AS (
    SELECT survivor_id, id FROM family UNION SELECT survivor_id, survivor_id FROM family
), within AS (
    SELECT p.id, (
               SELECT m.id FROM merges m
                WHERE m.loser_id IN (p.lead_id, p.other_id) AND m.unmerged_at IS NULL ORDER BY m.id DESC LIMIT 1
           ) AS merge_id
      FROM member one
      JOIN lead_pairs p ON p.lead_id = one.id AND p.state = 'open'
      JOIN member other ON other.id = p.other_id AND other.survivor_id = one.survivor_id
)
UPDATE lead_pairs p
   SET state = 'merged', decided_at = m.merged_at, decided_by = m.merged_by, reason_code = m.reason_code
  FROM within JOIN merges m ON m.id = within.merge_id
 WHERE p.id = within.id
"""

# As domain/duplicates.py makes them; of an e-mail as domain/content.py matches it.
KEEP_KEYS = r"""
INSERT INTO lead_match (kind, value, lead_id, received_at)
SELECT said.kind, substring(sha256(convert_to(said.value, 'UTF8')) FOR 16), l.id, l.received_at
  FROM (
    SELECT DISTINCT ON (m.survivor_id, f.field) m.survivor_id, f.field, f.before
      FROM merges m JOIN merge_fields f ON f.merge_id = m.id
     WHERE m.unmerged_at IS NULL AND f.field IN ('phone', 'email') AND f.before <> ''
     ORDER BY m.survivor_id, f.field, m.id
  ) AS own
  JOIN leads l ON l.id = own.survivor_id AND l.erased_at IS NULL,
       LATERAL (SELECT CASE own.field WHEN 'phone' THEN 1 ELSE 2 END AS kind,
                       CASE own.field WHEN 'phone' THEN own.before
                            ELSE regexp_replace(lower(own.before), '^([^+@]+)[+].*@([^@]*)$', '\1@\2') END AS value
               ) AS said
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute(DECIDE)
    op.execute(KEEP_KEYS)
