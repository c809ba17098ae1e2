"""What the campaign takes for granted: its points are there, its tables are those of the services, its plan repeats."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from tests.faults.__main__ import chosen, main
from tests.faults.campaign import Outcome, Planned, plan
from tests.faults.fault import every_fault
from tests.faults.points import EVERY_POINT, Point, find, install
from tests.faults.report import BEGIN, END, NoPlace, write_report
from tests.faults.subscriptions import SUBSCRIPTIONS

# In one process of its own, as building a service reads and sets the environment.
ALL_CONSUMERS = """
import json, sys
from deploy import SERVICES
from deploy.services import build
found = []
for service in SERVICES:
    for consumer in build(service).consumers:
        found.append([service, consumer.topic.name, sorted(event.type for event in consumer.handlers)])
json.dump(sorted(found), sys.stdout)
"""


class TestPoints:
    @pytest.mark.parametrize("where", EVERY_POINT)
    def test_are_where_their_names_say(self, where: str) -> None:
        assert find(where)[2] is not None

    def test_a_name_that_is_gone_is_an_error_at_the_start(self) -> None:
        with pytest.raises(AttributeError):
            install(Point("chassis.relay:Relay._nothing_of_this_name", "kill"))


class TestFacts:
    def test_know_every_consumer_and_what_it_takes(self) -> None:
        told = subprocess.run(
            [sys.executable, "-c", ALL_CONSUMERS], cwd=ROOT, capture_output=True, text=True, check=True
        )
        ours = sorted([s.service, s.topic, sorted(s.types)] for s in SUBSCRIPTIONS)
        assert json.loads(told.stdout) == ours


class TestPlan:
    def test_is_the_same_for_the_same_seed(self) -> None:
        sets = chosen("", "7", kills_only=False)
        assert plan("7", 30, sets) == plan("7", 30, sets)
        assert {one.faults for one in plan("7", len(sets), sets)} == set(sets)

    def test_names_a_command_that_plans_the_same_round_again(self) -> None:
        for one in plan("7", 10, chosen("", "7", kills_only=False)):
            told = dict(word.split("=") for word in one.command("short").split() if "=" in word)
            again = plan(told["SEED"], int(told["ROUNDS"]), chosen(told["ONLY"], told["SEED"], kills_only=False))
            assert again == [one]

    def test_refuses_a_fault_that_is_not_there_with_one_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["--only", "99"])
        assert ended.value.code == 2
        assert capsys.readouterr().err == "faults: no fault is called '99'\n"


class TestReport:
    def test_replaces_what_is_between_its_marks_and_nothing_else(self, tmp_path: Path) -> None:
        file = tmp_path / "reliability.md"
        file.write_text(f"before\n{BEGIN}\nthe one before\n{END}\nafter\n")
        fault = every_fault()[0]
        outcome = Outcome(Planned("7.0", (fault,)), failures=["I7: stuck"])
        write_report(file, [outcome], "7", 60)
        text = file.read_text()
        assert text.startswith(f"before\n{BEGIN}\n")
        assert text.endswith(f"{END}\nafter\n")
        assert "the one before" not in text
        assert "| no, in 1 |" in text

    def test_refuses_a_file_without_marks(self, tmp_path: Path) -> None:
        file = tmp_path / "other.md"
        file.write_text("nothing here\n")
        with pytest.raises(NoPlace):
            write_report(file, [], "7", 60)
