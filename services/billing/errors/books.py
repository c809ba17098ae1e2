"""What is refused of the journal and of the certificates of the books."""

from chassis.errors import NotFound, Refusal


class PostingNotFound(NotFound):
    code = "posting_not_found"
    title = "No such posting"


class CertificateNotFound(NotFound):
    code = "certificate_not_found"
    title = "No such certificate"


class CertificateUnderWay(Refusal):
    code = "certificate_under_way"
    title = "The books are being compared"


class NothingToTrace(NotFound):
    code = "nothing_to_trace"
    title = "No money has this id"
