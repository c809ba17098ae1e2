"""The words in which a source is told what is wrong with a submission. Sources read them by program: they stay."""

from collections.abc import Sequence
from dataclasses import dataclass

KEY = "client_submission_key"
KEY_HEADER = "Idempotency-Key"
TEXTS = (
    "service",
    "name",
    "email",
    "phone",
    "address.street",
    "address.suburb",
    "consent.text",
    "consent.url",
)
OPTIONAL = ("consent.given_at", "consent.remote_address")
CHOICES = ("selected_path", "address.state")
OBJECTS = ("address", "consent")
POSTCODE = "address.postcode"
BODY = "(body)"
"""Where the body as a whole is meant."""
UNKNOWN = "(unknown)"
"""Where a field is meant that we do not know: what it is called may be anything, and anybody's name."""


@dataclass(frozen=True, slots=True)
class FaultCode:
    """One code of a fault, what it means, and the fields that can have it."""

    code: str
    meaning: str
    fields: Sequence[str]


FAULTS = (
    FaultCode("missing", "The field is not there, and has to be.", (KEY, *CHOICES, *TEXTS, *OBJECTS, POSTCODE)),
    FaultCode("extra_forbidden", "No such field is known: its name is misspelt, or it is too much.", (UNKNOWN,)),
    FaultCode("model_type", "It has to be an object.", (BODY, *OBJECTS)),
    FaultCode("string_type", "It has to be a text.", (KEY, *TEXTS, *OPTIONAL, POSTCODE)),
    FaultCode("bool_type", "It has to be true or false.", ("test",)),
    FaultCode("enum", "It is none of the words that are allowed here.", CHOICES),
    FaultCode("string_too_short", "The text is empty.", (*TEXTS, *OPTIONAL)),
    FaultCode("string_too_long", "The text is longer than it may be.", (KEY, KEY_HEADER, *TEXTS, *OPTIONAL, POSTCODE)),
    FaultCode(
        "string_pattern_mismatch", "The text does not have the form of such a field.", (KEY, KEY_HEADER, POSTCODE)
    ),
    FaultCode(
        "string_unsayable",
        "The text holds NUL characters or lone surrogates, which nothing can keep.",
        (KEY, *CHOICES, *TEXTS, *OPTIONAL, *OBJECTS, POSTCODE, "test", UNKNOWN),
    ),
    FaultCode(
        "string_control_character",
        "The text holds control characters.",
        ("name", "address.street", "address.suburb"),
    ),
    FaultCode("blank", "The text holds nothing but white space.", ("name", "address.street", "address.suburb")),
    FaultCode("service_invalid", "It is no slug such as solar-battery.", ("service",)),
    FaultCode("email_invalid", "It is no e-mail address.", ("email",)),
    FaultCode("phone_invalid", "It is no telephone number that can ring.", ("phone",)),
    FaultCode("url_invalid", "It is no http or https address.", ("consent.url",)),
    FaultCode("instant_invalid", "It is no instant of ISO 8601 with its zone.", ("consent.given_at",)),
    FaultCode("address_invalid", "It is no IPv4 or IPv6 address.", ("consent.remote_address",)),
    FaultCode("postcode_unknown", "There is no such Australian postcode.", (POSTCODE,)),
    FaultCode("postcode_state_mismatch", "The postcode is not of the state that was given.", (POSTCODE,)),
    FaultCode("submission_keys_differ", "The key of the body and that of the header are not the same.", (KEY,)),
)

FIELDS = frozenset(field for fault in FAULTS for field in fault.fields)


def codes_of(field: str) -> tuple[str, ...]:
    """The faults that the field can have."""
    return tuple(fault.code for fault in FAULTS if field in fault.fields)


def told_field(field: str) -> str:
    """A field of a fault as it may be kept and counted: what a caller made up as a name is not."""
    if not field:
        return BODY
    return field if field in FIELDS else UNKNOWN


@dataclass(frozen=True, slots=True)
class AnswerCode:
    """What a submission can be answered: the HTTP status, the last part of the problem's `type`, and what to do."""

    status: int
    code: str
    meaning: str


ANSWERS = (
    AnswerCode(202, "", "Taken. The header Location says where to ask what became of it."),
    AnswerCode(400, "malformed_json", "The body is no JSON. Mend it; the same body is refused again."),
    AnswerCode(401, "api_key_missing", "Send the API key as a bearer token."),
    AnswerCode(401, "source_unknown", "It is no API key of ours."),
    AnswerCode(401, "source_revoked", "The source was revoked: nothing of it is taken any more."),
    AnswerCode(401, "api_key_revoked", "This key was revoked. Use the one that you were given since."),
    AnswerCode(401, "api_key_expired", "This key was rotated and has run out. Use the one that you were given since."),
    AnswerCode(
        409, "submission_key_reused", "This submission key was used for other content. Each lead needs its own."
    ),
    AnswerCode(413, "body_too_large", "The body is larger than it may be."),
    AnswerCode(415, "unsupported_media_type", "Send application/json in UTF-8."),
    AnswerCode(422, "invalid_request", "All faults are in errors, each with field, code and message."),
    AnswerCode(429, "rate_limited", "Send it again after as many seconds as the header Retry-After says."),
    AnswerCode(503, "temporarily_unavailable", "Send the same again after as many seconds as Retry-After says."),
)
