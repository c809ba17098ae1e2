"""Who consumes what: written down here once more, by nobody's code; test_rig.py holds it against the services."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which types of a topic a consumer applies; the name is its Kafka group's and the one in its inbox."""

    service: str
    topic: str
    types: frozenset[str]

    @property
    def consumer(self) -> str:
        return f"waybill.{self.service}.{self.topic}"


def _takes(service: str, topic: str, *types: str) -> Subscription:
    return Subscription(service, topic, frozenset(types))


SUBSCRIPTIONS = (
    _takes(
        "intake",
        "routing.assignments",
        "assignment.created",
        "assignment.sent",
        "assignment.failed",
        "assignment.cancelled",
        "assignment.cap_released",
        "assignment.return_requested",
        "assignment.returned",
        "assignment.return_denied",
        "assignment.return_withdrawn",
    ),
    _takes(
        "intake",
        "billing.deliveries",
        "delivery.held",
        "delivery.recorded",
        "delivery.credited",
        "delivery.voided",
        "delivery.credit_answered",
    ),
    _takes(
        "intake",
        "billing.invoices",
        "invoice.drafted",
        "invoice.issued",
        "invoice.paid",
        "invoice.voided",
        "invoice.payment_recorded",
        "invoice.payment_reversed",
        "invoice.credit_applied",
        "invoice.credit_unapplied",
        "invoice.written_off",
        "invoice.write_off_reversed",
        "invoice.adjusted",
        "invoice.deliveries_listed",
    ),
    _takes(
        "intake",
        "notifications.messages",
        "message.accepted",
        "message.failed",
        "message.settled",
        "message.bounced",
    ),
    _takes(
        "intake",
        "routing.dispatches",
        "dispatch.decided",
        "dispatch.delivered",
        "dispatch.reopened",
        "dispatch.exception_raised",
        "dispatch.exception_resolved",
        "dispatch.rejected",
        "dispatch.exception_escalated",
        "dispatch.exception_owner_changed",
        "dispatch.exception_snoozed",
    ),
    _takes("intake", "identity.operators", "operator.changed"),
    _takes("routing", "intake.leads", "lead.created", "lead.corrected", "lead.closed", "lead.reopened", "lead.erased"),
    _takes("routing", "intake.lead_deeds", "lead.merged", "lead.unmerged"),
    _takes("routing", "intake.lead_keys", "lead_key.created", "lead_key.destroyed"),
    _takes("routing", "notifications.messages", "message.accepted", "message.failed", "message.bounced"),
    _takes(
        "routing",
        "billing.deliveries",
        "delivery.credited",
        "delivery.credit_answered",
        "delivery.recorded",
        "delivery.voided",
    ),
    _takes("routing", "billing.accounts", "account.changed"),
    _takes("routing", "identity.operators", "operator.changed"),
    _takes("billing", "routing.installers", "installer.changed"),
    _takes("billing", "intake.clients", "client.changed"),
    _takes("billing", "intake.boards", "board.closed"),
    _takes("billing", "intake.leads", "lead.erased"),
    _takes("billing", "intake.lead_deeds", "lead.credits_asked"),
    _takes(
        "billing",
        "routing.assignments",
        "assignment.sent",
        "assignment.cap_released",
        "assignment.return_requested",
        "assignment.returned",
        "assignment.return_denied",
        "assignment.return_withdrawn",
    ),
    _takes("billing", "payouts.payouts", "payout.allocated", "payout.sent", "payout.reversed"),
    _takes("billing", "identity.operators", "operator.changed"),
    _takes("payouts", "intake.boards", "board.opened", "board.closed"),
    _takes(
        "payouts",
        "billing.invoices",
        "invoice.paid",
        "invoice.payment_reversed",
        "invoice.credit_unapplied",
        "invoice.voided",
    ),
    _takes(
        "notifications",
        "routing.assignments",
        "assignment.created",
        "assignment.lead_corrected",
        "assignment.cancelled",
        "assignment.failed",
        "assignment.returned",
        "assignment.return_requested",
        "assignment.return_denied",
    ),
    _takes(
        "notifications",
        "billing.invoices",
        "invoice.document_rendered",
        "invoice.sent",
        "invoice.payment_recorded",
        "invoice.payment_held",
        "invoice.voided",
    ),
    _takes("notifications", "payouts.payouts", "payout.sent", "allocation.held", "payout.failed", "payout.held"),
    _takes("notifications", "routing.dispatches", "dispatch.exception_raised", "dispatch.exception_escalated"),
    _takes("notifications", "billing.deliveries", "delivery.held"),
    _takes("notifications", "billing.books", "statement.sent", "books.blocked"),
    _takes("notifications", "intake.lead_deeds", "lead.escalated"),
    _takes("notifications", "intake.lead_keys", "lead_key.created", "lead_key.destroyed"),
    _takes("notifications", "identity.operators", "operator.changed"),
)
