"""Mutants of single rules and commands, which no model of the event path can see: their own tests have to."""

from tests.mutants.mutant import Mutant

FORGET_THE_OUTBOX = Mutant(
    "forget the outbox in one command",
    "services.routing.commands.deliveries:_send",
    "outbox.add(session, event, version=assignment.next_version(), cause=delivery.cause)",
    "assignment.next_version()",
    "The assignment counts as sent and nobody is told: a delivery that is never billed.",
)

CARRY_A_LEASE_OVER = Mutant(
    "carry a lease over its minute",
    "services.intake.domain.sources:Bucket.take",
    "self.left, self.is_spent = 0, False",
    "self.is_spent = False",
    "A source hands in more in a minute than its rate, by what each process had left of the one before.",
)

FORGET_WHO_ASKED = Mutant(
    "forget who asked",
    "services.billing.commands.voids:_reject_pending",
    "await answer_rejected(session, [adjustment.id for adjustment in pending], Why.INVOICE_VOID, now)",
    "pass",
    "A credit that was asked for falls with its invoice, and whoever asked waits for its answer for ever.",
)

PASS_A_PROPOSAL_BY = Mutant(
    "let a proposal through",
    "services.billing.domain.credit_requests:road_of",
    "return Road(CreditResult.PROPOSED) if is_undecided else _agreed(charge, limit_cents)",
    "return _agreed(charge, limit_cents)",
    "Money moves that nobody in finance agreed to.",
)
