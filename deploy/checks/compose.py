"""The compose file as `docker compose config` reads it, by the same library."""

import json
import os
import subprocess
from typing import Any

from deploy.checks.tools import COMPOSE, ensure_tool
from deploy.local.paths import ROOT

FILE = ROOT / "deploy" / "compose.yaml"
EXAMPLE = ROOT / "deploy" / "compose.env.example"


class Uncomposed(Exception):
    """What the library said."""


def example() -> dict[str, str]:
    """What an operator fills in, filled in."""
    lines = (line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#"))
    return {name: value or f"their-{name.lower()}" for name, _, value in (line.partition("=") for line in lines)}


def load(given: dict[str, str]) -> dict[str, Any]:
    """The project, with `given` for its variables and nothing of our own environment."""
    environment = {"PATH": os.environ["PATH"], **given}
    command = [str(ensure_tool(COMPOSE)), str(FILE)]
    done = subprocess.run(command, env=environment, cwd=FILE.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        raise Uncomposed(done.stderr.strip())
    project: dict[str, Any] = json.loads(done.stdout)
    return project
