"""A refusal at the field of the form that it is about."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from chassis.console.wording import sentence
from chassis.errors import FieldError, Refusal


@contextmanager
def told_beside(fields: Mapping[str, str]) -> Iterator[None]:
    """`fields` by the code of a refusal, or of one of its faults: what the form calls what that is about."""
    try:
        yield
    except Refusal as refused:
        own = fields.get(refused.code)
        faults = refused.errors or ((FieldError(own, refused.code, sentence(refused.detail)),) if own else ())
        refused.errors = tuple(
            FieldError(fields.get(each.code, each.field), each.code, each.message) for each in faults
        )
        raise
