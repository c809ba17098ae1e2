"""Every alert is tried both ways, says where its section in the runbook is, and has one that holds what it says."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from deploy.local.paths import ROOT
from tests.deploy.alerts import PROMETHEUS, rules
from tests.kit.databases import RolledBackDatabase

RUNBOOK = ROOT / "docs" / "runbook.md"
ALERTS = [rule["alert"] for rule in rules()]


@cache
def rule_tests() -> list[dict[str, Any]]:
    files = sorted((PROMETHEUS / "tests").glob("*.yml"))
    return [test for file in files for test in yaml.safe_load(file.read_text())["tests"]]


def expectations(test: dict[str, Any]) -> list[Any]:
    """What is expected to fire, for each moment at which it is looked."""
    return [seen["exp_samples"] for seen in test["promql_expr_test"] if seen["expr"] == 'ALERTS{alertstate="firing"}']


@pytest.mark.parametrize("alert", ALERTS)
class TestAnAlert:
    def test_is_tried_where_it_should_fire_and_where_it_should_not(self, alert: str) -> None:
        ours = [test for test in rule_tests() if test["name"].startswith(f"{alert}: ")]
        firing = [test for test in ours if test["name"].startswith(f"{alert}: fires")]
        silent = [test for test in ours if test["name"].startswith(f"{alert}: silent")]
        assert firing
        assert silent
        assert len(firing) + len(silent) == len(ours)
        for test in firing:
            assert all(f'alertname="{alert}"' in samples[0]["labels"] for samples in expectations(test))
        for test in silent:
            assert expectations(test) == [[]] * len(expectations(test))

    def test_has_its_section_in_the_runbook(self, alert: str) -> None:
        (rule,) = (rule for rule in rules() if rule["alert"] == alert)
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{alert.lower()}"
        parts = re.findall(r"^\*\*(.+?)\.\*\*", sections()[alert], re.MULTILINE)
        assert parts == ["Means", "First look", "Cure", "Wake"]

    def test_pages_or_opens_a_ticket(self, alert: str) -> None:
        (rule,) = (rule for rule in rules() if rule["alert"] == alert)
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "description"} <= rule["annotations"].keys()


def sections() -> dict[str, str]:
    """The runbook's text by alert, up to the next heading."""
    parts = re.split(r"^## (Waybill\w+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    texts = (re.split(r"^#+ ", part, maxsplit=1, flags=re.MULTILINE)[0] for part in parts[2::2])
    return dict(zip(parts[1::2], texts, strict=True))


class TestTheRunbook:
    def test_has_a_section_for_each_alert_and_for_nothing_else(self) -> None:
        assert sorted(sections()) == sorted(ALERTS)

    def test_links_to_sections_that_exist(self) -> None:
        anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", _prose(), re.MULTILINE)}
        assert set(re.findall(r"\]\(#([\w-]+)\)", RUNBOOK.read_text())) <= anchors

    def test_names_routes_that_are_served(self) -> None:
        named = set(re.findall(r"`(GET|POST|PUT|PATCH) (/[^`?]+)(?:\?[^`]*)?`", RUNBOOK.read_text()))
        assert named
        assert named - _served() == set()

    @pytest.mark.parametrize(
        ("service", "statement"), re.findall(r"^```sql (\w+)\n(.+?)^```", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)
    )
    async def test_holds_sql_that_the_serving_role_may_run(
        self, service: str, statement: str, rolled_back_database: Callable[[str], Any]
    ) -> None:
        database: RolledBackDatabase = await rolled_back_database(service)
        async with database.reading() as session:
            await session.execute(text(statement))


def _prose() -> str:
    """Without what stands in blocks, where a `#` is no heading."""
    return re.sub(r"^```.*?^```", "", RUNBOOK.read_text(), flags=re.MULTILINE | re.DOTALL)


def _served() -> set[tuple[str, str]]:
    documents = (json.loads(file.read_text()) for file in (ROOT / "docs" / "api").glob("*.openapi.json"))
    return {
        (method.upper(), path)
        for document in documents
        for path, methods in document["paths"].items()
        for method in methods
    }
