"""How a handler names what the composition root gives it."""

from typing import Annotated, Any, TypeAlias, TypeVar

from litestar.di import Dependency, Provide
from litestar.params import SkipValidationMarker

T = TypeVar("T")

Given: TypeAlias = Annotated[T, Dependency(kind="named"), SkipValidationMarker()]
"""`database: Given[Database]` is the dependency of that name, as it is: validating our own objects would cost time."""


def provider(thing: Any) -> Provide:
    """A dependency as Litestar wants it; a `Provide` of the service's own stays as it is."""
    return thing if isinstance(thing, Provide) else Provide(lambda: thing, sync_to_thread=False)
