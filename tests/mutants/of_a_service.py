"""A mutant of one business command, which no model of the event path can see: a test of the command itself has to."""

from tests.mutants.mutant import Mutant

FORGET_THE_OUTBOX = Mutant(
    "forget the outbox in one command",
    "services.routing.commands.deliveries:_send",
    "outbox.add(session, event, version=assignment.next_version(), cause=delivery.cause)",
    "assignment.next_version()",
    "The assignment counts as sent and nobody is told: a delivery that is never billed.",
)
