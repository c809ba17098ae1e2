"""What `docker build --build-arg SERVICE=…` would put into an image, read from the Dockerfile and .dockerignore."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.local.paths import ROOT

DOCKERFILE = ROOT / "Dockerfile"
BUNDLER, BUNDLE = "chassis/console/front/bundle.py", "chassis/console/static"
UV = Path(sys.executable).with_name("uv")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One of a Dockerfile, its continued lines joined."""

    name: str
    rest: str


def stages(dockerfile: Path = DOCKERFILE) -> list[list[Instruction]]:
    """The instructions of each stage, the last one being what runs."""
    lines = [line for line in dockerfile.read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[list[Instruction]] = []
    for line in joined.splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append(Instruction(name, rest.strip()))
    return found


def copies(service: str, stage: list[Instruction]) -> Iterator[tuple[str, str]]:
    """Source in the build context and destination in the working directory, stage to stage left out."""
    for instruction in stage:
        if instruction.name == "COPY" and not instruction.rest.startswith("--from="):
            *sources, destination = instruction.rest.replace("${SERVICE}", service).split()
            for source in sources:
                yield source, destination


def lay_out(service: str, directory: Path) -> None:
    """The working directory of the service's image."""
    _copy(service, stages()[-1], directory)
    with TemporaryDirectory() as room:
        shutil.copytree(_bundled(Path(room)), directory / BUNDLE)


def _bundled(room: Path) -> Path:
    """What the stage of the console's scripts and styles leaves: built as it builds them, of what it copies."""
    stage = next(stage for stage in stages() if any(BUNDLER in each.rest for each in stage))
    _copy("", stage, room)
    done = subprocess.run([sys.executable, room / BUNDLER], capture_output=True, text=True, check=False, cwd=room)
    assert done.returncode == 0, done.stderr
    return room / BUNDLE


def _copy(service: str, stage: list[Instruction], directory: Path) -> None:
    for source, destination in copies(service, stage):
        target = directory / destination
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=_ignored)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, target)


def install(lock: Path, venv: Path) -> Path:
    """A virtual environment with the lock file's packages and no others; the path of its Python."""
    _uv("venv", "--python", sys.executable, str(venv))
    python = venv / "bin" / "python"
    _uv("pip", "sync", "--require-hashes", "--link-mode", "hardlink", "--python", str(python), str(lock))
    return python


def _uv(*arguments: str) -> None:
    done = subprocess.run([str(UV), *arguments, "--quiet"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def _ignored(directory: str, names: list[str]) -> set[str]:
    place = Path(directory).relative_to(ROOT)
    return {name for name in names if is_ignored(str(place / name))}


def is_ignored(path: str) -> bool:
    """As the builder decides: the last pattern that matches the path or a directory above it."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern = line.strip().removeprefix("!").rstrip("/")
            if any(_matches(pattern, above) for above in _with_parents(path)):
                ignored = not line.startswith("!")
    return ignored


def _with_parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


def _matches(pattern: str, path: str) -> bool:
    """`*` stays within a directory, `**/` crosses any number of them."""
    pieces = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    regex = re.sub(r"\*\*/|\*|\?|[^*?]+", lambda found: pieces.get(found[0], re.escape(found[0])), pattern)
    return re.fullmatch(regex, path) is not None
