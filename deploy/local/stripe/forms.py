"""Form bodies as Stripe writes them: `metadata[board]=7`, `lines[0][amount]=100`, `expand[]=customer`.

Everything decodes to nested dicts with string leaves. Whether a dict is a list (`lines[0]`) or a hash whose keys
happen to be digits (`metadata[0]`) is for the endpoint's shape to say, not for the form.
"""

import re
from urllib.parse import parse_qsl

from deploy.local.stripe.errors import InvalidParameters

Raw = str | dict[str, "Raw"]
Form = dict[str, Raw]

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decode(encoded: bytes) -> Form:
    form: Form = {}
    try:
        pairs = parse_qsl(encoded.decode("utf-8"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise InvalidParameters("Invalid encoding: request parameters must be UTF-8.") from None
    for name, value in pairs:
        _put(form, _parts(name), value, name)
    return form


def _parts(name: str) -> list[str]:
    match = _NAME.match(name)
    if match is None:
        raise InvalidParameters(f"Invalid parameter name: {name}", param=name)
    return [match[1], *_PART.findall(match[2])]


def _put(form: Form, parts: list[str], value: str, name: str) -> None:
    place = form
    for part in parts[:-1]:
        inner = place.setdefault(_key(place, part), {})
        if isinstance(inner, str):
            raise InvalidParameters(f"Invalid hash: {name}", param=parts[0])
        place = inner
    place[_key(place, parts[-1])] = value


def _key(place: Form, part: str) -> str:
    """`a[]` appends: its place is the next free index."""
    return part or str(len(place))
