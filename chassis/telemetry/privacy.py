"""The last line of defence against personal data in a log: nobody should log it, and here it is masked all the same."""

import re
import traceback
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any

from chassis.errors import Refusal

MASK = "[masked]"
PERSONAL_KEYS = frozenset(
    {
        "abn",
        "address",
        "authorization",
        "bank_account",
        "body",
        "bsb",
        "contact",
        "content",
        "data",
        "email",
        "first_name",
        "last_name",
        "message_body",
        "mobile",
        "name",
        "password",
        "payload",
        "phone",
        "postcode",
        "recipient",
        "secret",
        "street",
        "suburb",
        "to",
        "token",
    }
)
_EMAIL = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
# Begins with + or 0 as phone numbers do here; digits that are a part of an id or an instant are left alone.
_PHONE = re.compile(r"(?<![\w.:/-])(?:\+\d{1,3}|\(?0\d)(?:[ ()-]{0,2}\d){6,12}(?![\w.:-])")
_DEEPEST = 5
LONGEST_TEXT = 1_000

# What these say about a fault repeats the values that they were given.
_TALKATIVE = frozenset(
    {"asyncpg", "email_validator", "json", "jwt", "litestar", "msgspec", "pydantic", "pydantic_core", "sqlalchemy"}
)
_FRAMES = 20
_CHAIN = 5


def masked(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: MASK if is_personal(key) and value is not None else _masked(value, 0) for key, value in fields.items()}


@lru_cache(4096)
def is_personal(key: str) -> bool:
    """By the key's name, or by the last words of it: `contact_email` as `email`."""
    key = key.lower()
    return key in PERSONAL_KEYS or any(key.endswith(f"_{personal}") for personal in PERSONAL_KEYS)


def _masked(value: Any, depth: int) -> Any:
    if depth >= _DEEPEST:
        return MASK
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {str(key): MASK if is_personal(str(key)) else _masked(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner, depth + 1) for inner in value]
    return value


def masked_text(text: str) -> str:
    """What looks like an e-mail address or a phone number is masked wherever it stands."""
    return _PHONE.sub("[phone]", _EMAIL.sub("[email]", text[:LONGEST_TEXT]))


def told_fault(fault: BaseException) -> list[dict[str, Any]]:
    """The exception and those it came from, the outermost first; no message holds a value."""
    told: list[dict[str, Any]] = []
    current: BaseException | None = fault
    while current is not None and len(told) < _CHAIN:
        told.append(
            {"type": _type_of(current), "message": safe_message(current), "frames": _frames(current.__traceback__)}
        )
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return told


def safe_message(fault: BaseException) -> str:
    """A refusal's sentence is written to be read; a library's can hold what a customer typed."""
    if isinstance(fault, Refusal):
        return f"{fault.code}: {fault.detail}"
    if any(kind.__module__.partition(".")[0] in _TALKATIVE for kind in type(fault).__mro__):
        known = {name: getattr(fault, name, None) for name in ("sqlstate", "constraint_name", "table_name")}
        return " ".join(f"{name}={value}" for name, value in known.items() if isinstance(value, str))
    return masked_text(str(fault))


def _type_of(fault: BaseException) -> str:
    module = type(fault).__module__
    return type(fault).__qualname__ if module == "builtins" else f"{module}.{type(fault).__qualname__}"


def _frames(trace: TracebackType | None) -> list[str]:
    """Innermost last; neither source lines nor local variables."""
    frames = traceback.StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False)
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-_FRAMES:]]


def _short(filename: str) -> str:
    """Of an installed package the path within it, of our own the path from the package's directory on."""
    _, found, within = filename.rpartition("site-packages/")
    return within if found else "/".join(filename.split("/")[-3:])
