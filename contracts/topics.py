"""The topics: one per aggregate, named by its owner. The key of a record is the aggregate's id."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """`key` names the id that keys it. A compacted topic carries full-state events: the last one of a key is enough."""

    name: str
    owner: str
    key: str
    description: str
    compacted: bool = False
    partitions: int = 6


LEADS = Topic("intake.leads", "intake", "lead_id", "Leads as taken in from their sources")
CLIENTS = Topic("intake.clients", "intake", "client_id", "Corporate clients, full state", compacted=True)
BOARDS = Topic("intake.boards", "intake", "board_id", "Boards of experts, from opening to close")
INSTALLERS = Topic("routing.installers", "routing", "installer_id", "Installers, full state", compacted=True)
ASSIGNMENTS = Topic(
    "routing.assignments", "routing", "assignment_id", "A lead given to one installer; `sent` is billable"
)
DISPATCHES = Topic(
    "routing.dispatches", "routing", "lead_id", "Decisions, exceptions and outcome of dispatching a lead"
)
DELIVERIES = Topic("billing.deliveries", "billing", "assignment_id", "The ledger of billable deliveries")
INVOICES = Topic("billing.invoices", "billing", "invoice_id", "Invoices, their documents and their payments")
PAYOUTS = Topic("payouts.payouts", "payouts", "payout_id", "Experts' pay; allocation.held is keyed by board_id")
MESSAGES = Topic("notifications.messages", "notifications", "message_id", "What became of each mail")

TOPICS: tuple[Topic, ...] = (
    LEADS,
    CLIENTS,
    BOARDS,
    INSTALLERS,
    ASSIGNMENTS,
    DISPATCHES,
    DELIVERIES,
    INVOICES,
    PAYOUTS,
    MESSAGES,
)
