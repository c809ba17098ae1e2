"""The files of the platform are as their own tools have accepted them; see deploy/checks."""

import subprocess
import sys
from pathlib import Path

from deploy.checks import passed
from deploy.local.paths import ROOT


class TestTheRecord:
    def test_is_of_the_files_that_are_here(self) -> None:
        assert passed.changed() == [], "run `make platform-check`"

    def test_would_tell_a_file_that_changed_one_that_is_new_and_one_that_is_gone(self) -> None:
        first, second, *others = passed.RECORD.read_text().splitlines()
        changed = "0" * 64 + first[64:]
        gone = "0" * 64 + "  deploy/prometheus/rules/gone.yml"
        names = sorted([first[66:], second[66:], gone[66:]])
        assert passed.changed("\n".join([changed, gone, *others])) == names


class TestTheImage:
    def test_is_described_as_hadolint_would_have_it(self) -> None:
        command = [str(Path(sys.executable).with_name("hadolint")), "--failure-threshold", "style", "Dockerfile"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
