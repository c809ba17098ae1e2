"""How the person behind a lead goes to the other services."""

from enum import StrEnum


class ContactForm(StrEnum):
    """`plain` is for as long as a consumer of before the keys still runs: docs/decisions/erasure.md."""

    PLAIN = "plain"
    SEALED = "sealed"
