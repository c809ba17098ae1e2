"""What an endpoint accepts: a shape names each parameter and how to read it. The rest is refused before any work."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from deploy.local.stripe.errors import InvalidParameters, Json, missing_parameter, unknown_parameters
from deploy.local.stripe.forms import Form, Raw

Reader = Callable[[str, Raw], Any]

_INTEGER = re.compile(r"^-?\d{1,18}$")
_CURRENCY = re.compile(r"^[a-z]{3}$")
_METADATA_KEYS = 50


@dataclass(frozen=True, slots=True)
class Param:
    read: Reader
    required: bool = False


Shape = Mapping[str, Param]


def required(param: Param) -> Param:
    return replace(param, required=True)


def read_shape(shape: Shape, form: Form, prefix: str = "") -> Json:
    """The given parameters alone: one that was left out has no key, so that an update changes only what was sent."""
    unknown = [_full(prefix, name) for name in form if name not in shape]
    if unknown:
        raise unknown_parameters(unknown)
    for name, param in shape.items():
        if param.required and name not in form:
            raise missing_parameter(_full(prefix, name))
    return {name: shape[name].read(_full(prefix, name), raw) for name, raw in form.items()}


def _full(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def _leaf(name: str, raw: Raw) -> str:
    if not isinstance(raw, str):
        raise InvalidParameters(f"Invalid string: {name}", param=name)
    return raw


def _empty(name: str) -> InvalidParameters:
    return InvalidParameters(
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however "
        f"'{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=name,
    )


def text(*, clearable: bool = False, longest: int = 5000) -> Param:
    """A string; an empty one unsets a `clearable` field and is refused elsewhere."""

    def read(name: str, raw: Raw) -> str | None:
        value = _leaf(name, raw)
        if len(value) > longest:
            raise InvalidParameters(f"Invalid string: {name} must be at most {longest} characters", param=name)
        if value:
            return value
        if clearable:
            return None
        raise _empty(name)

    return Param(read)


def integer(*, minimum: int | None = None, maximum: int | None = None, clearable: bool = False) -> Param:
    def read(name: str, raw: Raw) -> int | None:
        value = _leaf(name, raw)
        if not value and clearable:
            return None
        if not _INTEGER.match(value):
            raise InvalidParameters(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
        number = int(value)
        if minimum is not None and number < minimum:
            raise InvalidParameters(
                f"This value must be greater than or equal to {minimum}.", code="parameter_invalid_integer", param=name
            )
        if maximum is not None and number > maximum:
            raise InvalidParameters(
                f"This value must be less than or equal to {maximum}.", code="parameter_invalid_integer", param=name
            )
        return number

    return Param(read)


def decimal(*, maximum: int | None = None) -> Param:
    """A decimal of at most 12 places, kept exactly; with a `maximum` it must lie between 0 and that."""

    def read(name: str, raw: Raw) -> Decimal:
        try:
            number = Decimal(_leaf(name, raw))
        except InvalidOperation:
            raise InvalidParameters(f"Invalid decimal: {raw}", param=name) from None
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -12:
            raise InvalidParameters(f"Invalid decimal: {raw}; must have at most 12 decimal places", param=name)
        if maximum is not None and not 0 <= number <= maximum:
            raise InvalidParameters(f"Invalid decimal: must be between 0 and {maximum}", param=name)
        return number

    return Param(read)


def flag() -> Param:
    def read(name: str, raw: Raw) -> bool:
        value = _leaf(name, raw)
        if value not in {"true", "false"}:
            raise InvalidParameters(f"Invalid boolean: {value}", param=name)
        return value == "true"

    return Param(read)


def one_of(*choices: str) -> Param:
    def read(name: str, raw: Raw) -> str:
        value = _leaf(name, raw)
        if value not in choices:
            raise InvalidParameters(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
        return value

    return Param(read)


def currency() -> Param:
    def read(name: str, raw: Raw) -> str:
        value = _leaf(name, raw).lower()
        if not _CURRENCY.match(value):
            raise InvalidParameters(f"Invalid currency: {value}", param=name)
        return value

    return Param(read)


def hash_of(shape: Shape, *, clearable: bool = False) -> Param:
    def read(name: str, raw: Raw) -> Json | None:
        if raw == "" and clearable:
            return None
        if isinstance(raw, str):
            raise InvalidParameters(f"Invalid hash: {name}", param=name)
        return read_shape(shape, raw, name)

    return Param(read)


def list_of(item: Param) -> Param:
    """`lines[0]…` and `lines[]` alike; an empty string is the empty list."""

    def read(name: str, raw: Raw) -> list[Any]:
        if raw == "":
            return []
        if isinstance(raw, str) or not all(key.isdigit() for key in raw):
            raise InvalidParameters(f"Invalid array: {name}", param=name)
        return [item.read(f"{name}[{key}]", raw[key]) for key in sorted(raw, key=int)]

    return Param(read)


def metadata() -> Param:
    """Strings by key; an empty value unsets that key and an empty string in place of the hash unsets them all."""

    def read(name: str, raw: Raw) -> dict[str, str]:
        if raw == "":
            return {}
        if isinstance(raw, str) or not all(isinstance(value, str) for value in raw.values()):
            raise InvalidParameters(f"Invalid hash: {name}", param=name)
        values = {key: str(value) for key, value in raw.items()}
        for key, value in values.items():
            if len(key) > 40 or len(value) > 500:
                raise InvalidParameters(
                    "Metadata keys can have up to 40 characters and values up to 500.", param=f"{name}[{key}]"
                )
        if len(values) > _METADATA_KEYS:
            raise InvalidParameters(f"Metadata can have up to {_METADATA_KEYS} keys.", param=name)
        return values

    return Param(read)


def free() -> Param:
    """A nested hash that the simulator stores and gives back; of its leaves only booleans are read."""

    def read(name: str, raw: Raw) -> Json:
        if isinstance(raw, str):
            raise InvalidParameters(f"Invalid hash: {name}", param=name)
        return {key: _leaf_or_hash(value) for key, value in raw.items()}

    return Param(read)


def _leaf_or_hash(raw: Raw) -> object:
    if isinstance(raw, dict):
        return {key: _leaf_or_hash(value) for key, value in raw.items()}
    return {"true": True, "false": False, "": None}.get(raw, raw)


def merge_hash(current: Json, given: Json) -> Json:
    """What was given wins, leaf by leaf."""
    merged = dict(current)
    for key, value in given.items():
        inner = merged.get(key)
        merged[key] = merge_hash(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


_BOUNDS: Shape = {bound: integer() for bound in ("gt", "gte", "lt", "lte")}


def instants() -> Param:
    """A filter on Unix seconds: one instant, or `[gt] [gte] [lt] [lte]`."""

    def read(name: str, raw: Raw) -> Json:
        if isinstance(raw, str):
            instant = integer().read(name, raw)
            return {"gte": instant, "lte": instant}
        return read_shape(_BOUNDS, raw, name)

    return Param(read)


def merge_metadata(current: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    if not given:
        return {}
    merged = {**current, **given}
    return {key: value for key, value in merged.items() if value}
