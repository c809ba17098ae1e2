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

MATCH_WHAT_IS_EMPTY = Mutant(
    "match what is empty",
    "services.intake.commands.judging:evidence_of",
    'same_phone=one.phone == other.phone != "",',
    "same_phone=one.phone == other.phone,",
    "Two people who gave no telephone have it in common: who was to be sold is held, or merged into a stranger.",
)

TELL_NOBODY_OF_THE_TOMBSTONE = Mutant(
    "tell nobody of the tombstone",
    "services.intake.commands.merging:_entomb",
    "if merge.is_told:",
    "if False:",
    "The merged lead goes on being dispatched: a second installer pays for the same person.",
)

LET_THE_SURVIVOR_GO_AGAIN = Mutant(
    "let the survivor go again",
    "services.intake.commands.merging:_release",
    "survivor.status is LeadStatus.DUPLICATE_REVIEW and ",
    "",
    "A lead that is with installers already is told as a new one: it is routed twice.",
)

KEEP_ONE_FIELD = Mutant(
    "keep one field when a merge is taken apart",
    "services.intake.domain.merging:undone",
    "for part in field.parts if part in changed",
    "for part in field.parts if part in changed and part != 'phone'",
    "An installer rings a stranger: the survivor keeps the other person's telephone.",
)

FORGET_WHOM_IT_WAS_LIKE = Mutant(
    "forget whom a merged lead was like",
    "services.intake.commands.merging:_tell",
    "tuple(await queries.same_person(session, loser.id))",
    "()",
    "An installer who had who asked before buys the same person again, by the lead that goes on.",
)

FORGET_THE_CREDIT = Mutant(
    "forget the credit of a merge",
    "services.intake.commands.merging:_tell",
    "await ask_credits(session, loser, ask)",
    "pass",
    "Two installers pay for one person, and the one who was to get the money back waits for ever.",
)

KEEP_THE_PLACE = Mutant(
    "keep the place of what was returned",
    "services.routing.commands.returns:_accept",
    "moves.append(release(session, assignment, released[0], now))",
    "release(session, assignment, released[0], now)",
    "The place is told as free and still counts: the installer is full of leads that it gave back.",
)

OFFER_IT_BACK = Mutant(
    "offer a lead to who returned it",
    "services.routing.domain.eligibility:was_not_returned",
    "Verdict(Rule.RETURNED_BY_INSTALLER, not history.returned, reason, compared)",
    "Verdict(Rule.RETURNED_BY_INSTALLER, True, reason, compared)",
    "Whoever gave the lead back gets it again, and pays for it again.",
)

CREDIT_WITHOUT_FINANCE = Mutant(
    "credit a return without finance",
    "services.routing.commands.return_events:_credits",
    "is_proposal=True",
    "is_proposal=False",
    "Money goes back on the word of whoever decides returns.",
)
