"""What is refused of voids that a second operator has to agree to."""

from chassis.errors import NotFound, Refusal


class VoidRequestNotFound(NotFound):
    code = "void_request_not_found"
    title = "No such void"


class VoidRequestStands(Refusal):
    """An invoice has one at a time that waits."""

    code = "void_request_stands"
    title = "A void of the invoice waits for approval"


class VoidRequestIdTaken(Refusal):
    code = "void_request_id_taken"
    title = "The id stands for another void"


class VoidRequestDecided(Refusal):
    code = "void_request_already_decided"
    title = "The void is decided"


class VoidedOtherwise(Refusal):
    """A credit or a debit came since it was asked for: what would be void is not what was agreed to."""

    code = "void_request_out_of_date"
    title = "Another amount is owed by now"
