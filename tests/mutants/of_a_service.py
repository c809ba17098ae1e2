"""Mutants of single rules and commands, which no model of the event path can see: their own tests have to."""

from tests.mutants.mutant import Mutant

FORGET_THE_OUTBOX = Mutant(
    "forget the outbox in one command",
    "services.routing.commands.deliveries:_send",
    "outbox.add(session, event, version=assignment.next_version(), cause=delivery.cause)",
    "assignment.next_version()",
    "The assignment counts as sent and nobody is told: a delivery that is never billed.",
)

LEAVE_THE_KEY = Mutant(
    "leave the key in place",
    "services.intake.commands.erasing:erase_person",
    "await destroy_keys(session, ids, command.now)",
    "None",
    "Who was erased is read again by whoever keeps a copy of an event and the key.",
)

FORGET_A_TABLE = Mutant(
    "forget a table when a person is erased",
    "services.intake.commands.forgetting:forget_leads",
    "forget(session, KEPT.places, lead_ids)",
    "forget(session, [place for place in KEPT.places if place.table != 'follow_ups'], lead_ids)",
    "What somebody noted for a telephone call tells of who was to be forgotten.",
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
