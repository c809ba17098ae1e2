"""Which endpoint a method and path name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from deploy.local.stripe.errors import ApiError, Json
from deploy.local.stripe.params import Shape
from deploy.local.stripe.world import Call

Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """`path` may hold `{id}` and `{child}`; `shape` is all the parameters that the endpoint takes but `expand`."""

    method: str
    path: str
    handle: Handler
    shape: Shape = field(default_factory=dict)


@dataclass(slots=True)
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    variable: tuple[str, "_Node"] | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        node: _Node | None = self._root
        values: dict[str, str] = {}
        for part in path.strip("/").split("/"):
            node = _step(node, part, values) if node else None
        route = node.routes.get(method) if node else None
        if route is None:
            raise ApiError(
                f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
                "https://support.stripe.com/.",
                status=404,
            )
        return route, values

    def _add(self, route: Route) -> None:
        node = self._root
        for part in route.path.strip("/").split("/"):
            if part.startswith("{"):
                if node.variable is None:
                    node.variable = (part[1:-1], _Node())
                node = node.variable[1]
            else:
                node = node.fixed.setdefault(part, _Node())
        node.routes[route.method] = route


def _step(node: _Node, part: str, values: dict[str, str]) -> _Node | None:
    if part in node.fixed:
        return node.fixed[part]
    if node.variable is None or not part:
        return None
    name, child = node.variable
    values[name] = part
    return child
