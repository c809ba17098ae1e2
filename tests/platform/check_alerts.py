"""The tests of the alerts would see an alert that never fires, and one that always does."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.checks.tools import PROMTOOL, ensure_tool
from deploy.local.paths import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"


@pytest.mark.parametrize(("expression", "verdict"), [("vector(0) > 1", "fires"), ("vector(1)", "silent")])
class TestTheRuleTests:
    def test_fail_where_the_rules_are_broken(self, tmp_path: Path, expression: str, verdict: str) -> None:
        survivors = []
        for file in sorted((PROMETHEUS / "tests").glob("*.yml")):
            rules = tmp_path / file.name
            rules.write_text(yaml.safe_dump(broken(PROMETHEUS / "rules" / file.name, expression)))
            for test in tried(file, verdict):
                alone = tmp_path / "test.yml"
                alone.write_text(
                    yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]})
                )
                if passes(alone):
                    survivors.append(test["name"])
        assert survivors == []


def broken(rules: Path, expression: str) -> Any:
    """The same rules, all with this expression."""
    read = yaml.safe_load(rules.read_text())
    for group in read["groups"]:
        for rule in group["rules"]:
            rule |= {"expr": expression, "for": "0s"}
    return read


def tried(file: Path, verdict: str) -> Iterator[dict[str, Any]]:
    return (test for test in yaml.safe_load(file.read_text())["tests"] if f": {verdict}" in test["name"])


def passes(test: Path) -> bool:
    command = [str(ensure_tool(PROMTOOL)), "test", "rules", str(test)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
