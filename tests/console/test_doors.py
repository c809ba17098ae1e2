"""From each service's activity to what its entries are about: read off the sources, so that no kind is left out."""

import ast
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from litestar.handlers import HTTPRouteHandler

from chassis.console.doors import LIST, Door, doors_of
from chassis.ids import new_id
from deploy import SERVICES
from services.billing.http.exported import Exported
from tests.flows.doors import built
from tests.kit.identity import TestIdentity

ROOT = Path(__file__).parents[2]

# What has no page. A kind that is neither here nor among its service's doors fails the test.
WITHOUT = {"identity": {"session", "signing_key"}}

# Where a kind is put together, or is one of several whose entries are forgotten.
PUT_TOGETHER = {
    "services/billing/http/exported.py": {f"{what}_export" for what in get_args(Exported)},
    "services/billing/commands/forgetting.py": {"delivery", "credit_request"},
    "services/intake/commands/forgetting.py": {"consent", "lead"},
}


def subjects_of(service: str) -> Iterator[tuple[str, str | None]]:
    """Of each subject that the service's sources name: its kind, and its id where they say that too."""
    for path in sorted((ROOT / "services" / service).rglob("*.py")):
        at = path.relative_to(ROOT)
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in {"Subject", "audit.Subject"}:
                kind, id_ = (_said(argument, at) for argument in call.args)
                if kind is not None:
                    yield kind, id_
                else:
                    yield from ((each, None) for each in PUT_TOGETHER[str(at)])


def _said(node: ast.expr, at: Path) -> str | None:
    """What is written there, or what a name of the module's stands for."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        found = getattr(import_module(".".join(at.with_suffix("").parts)), node.id, None)
        return found if isinstance(found, str) else None
    return None


def declared_by(service: str) -> Mapping[str, Door]:
    doors: Mapping[str, Door] = import_module(f"services.{service}.pages.subjects").DOORS
    return doors


@pytest.mark.parametrize("service", SERVICES)
def test_every_kind_has_a_door_or_is_known_to_have_no_page(service: str) -> None:
    declared = declared_by(service)
    kinds = {kind for kind, _ in subjects_of(service)}
    assert set(declared) - {LIST} == kinds - {LIST}
    closed = {kind for kind in kinds - {LIST} if not declared[kind](str(new_id()))}
    assert closed == WITHOUT.get(service, set())


@pytest.mark.parametrize("service", SERVICES)
def test_every_door_leads_to_a_page_that_is_served(service: str, identity: TestIdentity) -> None:
    given = built(service, identity)
    pages = [
        re.sub(r"\{[^}]+\}", "[^/]+", path)
        for route in given.routes
        if isinstance(route, HTTPRouteHandler) and "GET" in route.http_methods
        for path in route.paths
    ]
    assert given.dependencies["desk"].doors is declared_by(service)
    doors = doors_of(service, given.routes, declared_by(service))
    led_to = {door(str(new_id())) for kind, door in declared_by(service).items() if kind != LIST} - {""}
    lists = {id_ for kind, id_ in subjects_of(service) if kind == LIST and id_ is not None}
    led_to |= {doors[LIST](name) for name in lists}
    assert [path for path in led_to if not any(re.fullmatch(page, path) for page in pages)] == []
