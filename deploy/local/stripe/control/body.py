"""The JSON body of a control route, read field by field; what nobody asked for is refused by name."""

from enum import StrEnum
from typing import Any, TypeVar

from deploy.local.stripe.errors import ApiError, Json

E = TypeVar("E", bound=StrEnum)


class Body:
    """A field without a default must be there."""

    def __init__(self, content: Json) -> None:
        self._left = dict(content)

    def text(self, name: str, default: str | None = None) -> str:
        value = self._take(name, default)
        if not isinstance(value, str):
            raise _wrong_type(name)
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        value = self._take(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong_type(name)
        return value

    def seconds(self, name: str, default: float | None = None) -> float:
        value = self._take(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise _wrong_type(name)
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise _wrong_type(name)
        return value

    def texts(self, name: str, default: list[str]) -> list[str]:
        value = self._take(name, default)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong_type(name)
        return value

    def choice(self, name: str, choices: type[E], default: E | None = None) -> E:
        value = self.text(name, default)
        if value not in list(choices):
            raise ApiError(f"{name} must be one of {', '.join(choices)}", param=name)
        return choices(value)

    def has(self, name: str) -> bool:
        return self._left.get(name) is not None

    def rest(self) -> Json:
        left, self._left = self._left, {}
        return left

    def end(self) -> None:
        if self._left:
            raise ApiError(f"unknown fields: {', '.join(self._left)}")

    def _take(self, name: str, default: object) -> Any:
        value = self._left.pop(name, default)
        if value is None:
            raise ApiError(f"missing field: {name}", param=name)
        return value


def _wrong_type(name: str) -> ApiError:
    return ApiError(f"wrong type: {name}", param=name)
