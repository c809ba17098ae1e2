"""Which files the tools have accepted: `passed.sha256` beside this one, as `sha256sum --check` reads it.

The tools take minutes to build, so that the tests do not run them; they see that no file has changed since.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from deploy.local.paths import ROOT

RECORD = Path(__file__).with_name("passed.sha256")
CHECKED = (
    "Dockerfile",
    ".dockerignore",
    "deploy/compose.yaml",
    "deploy/compose.env.example",
    "deploy/prometheus/**/*.yml",
    "deploy/prometheus/kustomization.yaml",
    "deploy/grafana/**/*.yaml",
    "deploy/kubernetes/**/*.yaml",
    "deploy/checks/go/*/*",
)


def record() -> None:
    lines = (f"{digest}  {path}\n" for path, digest in sorted(_digests().items()))
    RECORD.write_text("".join(lines))


def changed(passed: str | None = None) -> list[str]:
    """Files that are not as they passed: changed, new or gone. `passed` is what was recorded."""
    lines = (RECORD.read_text() if passed is None else passed).splitlines()
    recorded = {path: digest for digest, path in (line.split("  ", 1) for line in lines)}
    now = _digests()
    return sorted(path for path in recorded.keys() | now.keys() if recorded.get(path) != now.get(path))


def _digests() -> dict[str, str]:
    return {str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest() for file in _files()}


def _files() -> Iterator[Path]:
    for pattern in CHECKED:
        yield from (file for file in ROOT.glob(pattern) if file.is_file())
