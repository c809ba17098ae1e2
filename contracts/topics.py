"""The topics: one per aggregate, named by its owner. The key of a record is the aggregate's id."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """`key` names the id that keys it. A compacted topic carries full-state events: the last one of a key is enough.

    `max_compaction_lag_seconds` is how long an event may lie there beside a later one of its key.
    """

    name: str
    owner: str
    key: str
    description: str
    compacted: bool = False
    partitions: int = 6
    max_compaction_lag_seconds: int | None = None


LEADS = Topic("intake.leads", "intake", "lead_id", "Leads as taken in from their sources")
LEAD_DEEDS = Topic(
    "intake.lead_deeds",
    "intake",
    "lead_id",
    "What is done with a lead beside its way: owner, follow-ups, merges, credits",
)
LEAD_KEYS = Topic(
    "intake.lead_keys",
    "intake",
    "lead_id",
    "What opens a lead's sealed contact, until it is destroyed: for who mails or sends the lead, and nobody else",
    compacted=True,
    max_compaction_lag_seconds=3600,
)
LEAD_SOURCES = Topic("intake.lead_sources", "intake", "source_id", "Sources of leads, full state", compacted=True)
INTAKE_POLICIES = Topic(
    "intake.policies",
    "intake",
    "policy",
    "What operators set of holding leads as duplicates and of escalating them, change by change",
)
CLIENTS = Topic("intake.clients", "intake", "client_id", "Corporate clients, full state", compacted=True)
BOARDS = Topic("intake.boards", "intake", "board_id", "Boards of experts, from opening to close")
INSTALLERS = Topic("routing.installers", "routing", "installer_id", "Installers, full state", compacted=True)
ASSIGNMENTS = Topic(
    "routing.assignments", "routing", "assignment_id", "A lead given to one installer; `sent` is billable"
)
DISPATCHES = Topic(
    "routing.dispatches", "routing", "lead_id", "Decisions, exceptions and outcome of dispatching a lead"
)
CHANNELS = Topic(
    "routing.channels", "routing", "endpoint_id", "How installers are reached: the breakers of their channels that move"
)
POLICIES = Topic(
    "routing.policies",
    "routing",
    "policy",
    "What operators declare of dispatch, its queue and returns, change by change",
)
DELIVERIES = Topic("billing.deliveries", "billing", "assignment_id", "The ledger of billable deliveries")
INVOICES = Topic("billing.invoices", "billing", "invoice_id", "Invoices, their documents and their payments")
ACCOUNTS = Topic(
    "billing.accounts",
    "billing",
    "account_id",
    "Who is billed: what stands with each account, full state",
    compacted=True,
)
BOOKS = Topic(
    "billing.books",
    "billing",
    "subject_id",
    "The books as a whole: prices, closed months, receipts, snapshots, certificates, differences, statements",
)
PAYOUTS = Topic("payouts.payouts", "payouts", "payout_id", "Experts' pay; allocation.held is keyed by board_id")
MESSAGES = Topic("notifications.messages", "notifications", "message_id", "What became of each mail")
OPERATORS = Topic("identity.operators", "identity", "operator_id", "Operators, full state", compacted=True)

TOPICS: tuple[Topic, ...] = (
    LEADS,
    LEAD_DEEDS,
    LEAD_KEYS,
    LEAD_SOURCES,
    INTAKE_POLICIES,
    CLIENTS,
    BOARDS,
    INSTALLERS,
    ASSIGNMENTS,
    DISPATCHES,
    CHANNELS,
    POLICIES,
    DELIVERIES,
    INVOICES,
    ACCOUNTS,
    BOOKS,
    PAYOUTS,
    MESSAGES,
    OPERATORS,
)
