"""What routing refuses."""

from chassis.errors import Invalid, NotFound, Refusal


class NoSuchInstaller(NotFound):
    code = "no_such_installer"
    title = "No such installer"


class NoSuchAssignment(NotFound):
    code = "no_such_assignment"
    title = "No such assignment"


class NoSuchLead(NotFound):
    code = "no_such_lead"
    title = "Routing has not seen this lead"


class NoSuchDecision(NotFound):
    code = "no_such_decision"
    title = "No such decision"


class NoSuchSimulation(NotFound):
    code = "no_such_simulation"
    title = "No such simulation"


class SimulationExists(Refusal):
    code = "simulation_exists"
    title = "Another simulation has this id"


class SimulationNotRunning(Refusal):
    code = "simulation_not_running"
    title = "The simulation has ended"


class NoSuchReturn(NotFound):
    code = "no_such_return"
    title = "No such return"


class NoSuchException(NotFound):
    code = "no_such_exception"
    title = "No such item in the exception queue"


class NoSuchAbsence(NotFound):
    code = "no_such_absence"
    title = "No such absence of the installer"


class NoSuchContact(NotFound):
    code = "no_such_contact"
    title = "No such contact of the installer"


class InstallerExists(Refusal):
    code = "installer_exists"
    title = "Another installer has this id"


class AbsenceExists(Refusal):
    code = "absence_exists"
    title = "Another absence has this id"


class AbsenceOverlaps(Refusal):
    code = "absence_overlaps"
    title = "The installer is away in a part of that time already"


class AbsenceIsOver(Refusal):
    code = "absence_over"
    title = "The absence is over"


class ContactExists(Refusal):
    code = "contact_exists"
    title = "Another contact has this id"


class ContactUnreachable(Refusal):
    code = "contact_unreachable"
    title = "A contact has an e-mail address, a telephone number or both"


class NoteExists(Refusal):
    code = "note_exists"
    title = "Another note has this id"


class ChangedMeanwhile(Refusal):
    code = "changed_meanwhile"
    title = "Somebody else changed it since it was read"


class PolicyChangedMeanwhile(Refusal):
    code = "policy_changed_meanwhile"
    title = "Somebody else changed the policy since it was read"


class PolicyUnreadable(Invalid):
    code = "policy_unreadable"
    title = "The policy cannot be so"


class NotEligible(Refusal):
    code = "installer_not_eligible"
    title = "An installer may not have this lead"


class TooManyInstallers(Refusal):
    code = "too_many_installers"
    title = "The lead has fewer free shares than installers were named"


class NothingToDispatch(Refusal):
    code = "lead_fully_assigned"
    title = "The lead has no free share"


class ContactMissing(Refusal):
    code = "contact_missing"
    title = "The person behind the lead is not known any more: nothing can be delivered"


class LeadIsClosed(Refusal):
    code = "lead_closed"
    title = "The lead was closed: nobody gets it any more"


class ExceptionIsResolved(Refusal):
    code = "exception_resolved"
    title = "The item has left the exception queue"


class ExceptionOwnedByAnother(Refusal):
    code = "exception_owned_by_another"
    title = "Somebody else has the item"


class ExceptionSnoozed(Refusal):
    code = "exception_snoozed"
    title = "The item is snoozed already"


class SnoozeNotAhead(Invalid):
    code = "snooze_not_ahead"
    title = "An item is snoozed until a time ahead, and not for longer than a year"


class HandOverNeedsNote(Invalid):
    code = "hand_over_needs_note"
    title = "Who gets an item from somebody needs a note"


class NoSuchOperator(Invalid):
    code = "no_such_operator"
    title = "There is no such operator"


class OperatorInactive(Refusal):
    code = "operator_inactive"
    title = "The operator can be given no work"


class LeadHasInstaller(Refusal):
    code = "lead_has_installer"
    title = "An installer has the lead, or is about to: it cannot be rejected"


class InputsNotKept(Refusal):
    code = "decision_inputs_not_kept"
    title = "What the decision was made from was not kept"


class NotPending(Refusal):
    code = "assignment_not_pending"
    title = "Only a pending assignment can be cancelled"


class CapNotCounted(Refusal):
    code = "cap_not_counted"
    title = "The assignment holds no place under a cap that could be released"


class CapReleasedOtherwise(Refusal):
    code = "cap_released_otherwise"
    title = "The cap was released before, for another reason"


class ReturnReasonRefused(Refusal):
    code = "return_reason_refused"
    title = "A lead is not returned for how the sale went"


class NotReturnable(Refusal):
    code = "not_returnable"
    title = "Only a lead that the installer has can be returned"


class ReturnExists(Refusal):
    code = "return_exists"
    title = "There is another return already"


class ReturnIsDecided(Refusal):
    code = "return_decided"
    title = "The return is decided"


class OverQuotaNeedsNote(Invalid):
    code = "over_quota_needs_note"
    title = "What is taken back beyond the quota needs a note"


class CreditReasonFixed(Refusal):
    code = "credit_reason_fixed"
    title = "The return's code says for what it is credited"


class EndpointRefused(Refusal):
    """`why` is `not_a_url`, `not_https`, `port`, `private_address` or `unresolvable`."""

    code = "endpoint_refused"
    title = "Leads cannot be sent to this address"


class WebhooksNotSetUp(Refusal):
    code = "webhooks_not_set_up"
    title = "No secret is configured by which webhooks could be signed"


class NoWebhook(Refusal):
    code = "no_webhook"
    title = "The installer has no webhook"


class BreakerNotOpen(Refusal):
    code = "breaker_not_open"
    title = "The channel is open for deliveries already"
