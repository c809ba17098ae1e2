"""Apache Kafka's jars, fetched once into `var/cache/` and verified by SHA-256 every time they are used.

`python -m deploy.local.kafka_jars` fetches them; with `--accept` it resolves the coordinates anew and writes the
paths and sums of what the Maven repository serves, which is how a new version is taken in.
"""

import argparse
import fcntl
import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.local.paths import CACHE

VERSION = "4.3.0"
# `!` takes a coordinate at its word: without it the BOM of log4j drags in an older kafka-clients.
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{VERSION}!",
    f"org.apache.kafka:kafka-clients:{VERSION}!",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",
)
SUMS = Path(__file__).with_name("kafka-jars.sha256")
JARS = CACHE / f"kafka-{VERSION}"
TRIES = 3


class JarsRefused(Exception):
    """What was fetched is not what the committed sums say."""


def ensure_jars(directory: Path = JARS) -> list[Path]:
    """The class path, verified; fetches from the Maven repository only where the cache does not hold it."""
    expected = read_sums()
    with _locked(directory):
        if faults_of(directory, expected):
            _fetch(directory, expected)
    return [directory / path for path in sorted(expected)]


def read_sums(file: Path = SUMS) -> dict[str, str]:
    """SHA-256 by a jar's path in the layout of a Maven repository, from the form that `sha256sum -c` reads."""
    lines = (line.split() for line in file.read_text().splitlines())
    return {path: digest for digest, path in lines}


def faults_of(directory: Path, expected: dict[str, str]) -> list[str]:
    """What keeps `directory` from holding the class path, as sentences; empty where all is as expected."""
    missing = [path for path in expected if not (directory / path).exists()]
    present = expected.keys() - set(missing)
    changed = [path for path in sorted(present) if sha256(directory / path) != expected[path]]
    return [f"{path} is missing" for path in missing] + [f"{path} has other contents" for path in changed]


def sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Two processes that find the cache empty fetch once."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(directory: Path, expected: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(dir=directory.parent) as draft:
        _try_again(lambda: _download(Path(draft), expected))
        for path in expected:
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(draft) / path).replace(directory / path)
    if faults := faults_of(directory, expected):
        raise JarsRefused(f"Kafka's jars in {directory}: {'; '.join(faults)}")


def _try_again(work: Callable[[], None]) -> None:
    """After a failure of the network; what a failed try has fetched is kept."""
    for attempt in range(1, TRIES + 1):
        try:
            work()
        except (OSError, RuntimeError) as fault:
            if attempt == TRIES:
                raise JarsRefused(f"Kafka's jars could not be fetched: {fault}") from fault
        else:
            return


def _download(draft: Path, paths: Iterable[str]) -> None:
    """Exactly these jars; no POM is read, as the paths say all."""
    # jgo is imported late: it takes half a second that a warm cache need not spend.
    from jgo.maven import MavenContext  # noqa: PLC0415

    maven = MavenContext(repo_cache=draft, timeout=60)

    def fetch(path: str) -> None:
        group, artifact, version = _coordinate_of(path)
        maven.project(group, artifact).at_version(version).artifact().resolve()

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(fetch, paths))


def _coordinate_of(path: str) -> tuple[str, str, str]:
    *group, artifact, version, _file = path.split("/")
    return ".".join(group), artifact, version


def _resolve(draft: Path) -> list[Path]:
    """The coordinates and all that they need at run time."""
    from jgo.maven import MavenContext  # noqa: PLC0415
    from jgo.parse import Endpoint  # noqa: PLC0415

    maven = MavenContext(repo_cache=draft, timeout=60)
    wanted = Endpoint.parse("+".join(COORDINATES)).coordinates
    inputs, transitive = maven.resolver.resolve(
        [maven.create_dependency(replace(coordinate, scope="compile")) for coordinate in wanted]
    )
    dependencies = [*inputs, *(found for found in transitive if found.scope in ("compile", "runtime"))]
    return [Path(found.artifact.resolve()) for found in dependencies]


def accept() -> None:
    """Trusts the repository once and writes the sums."""
    JARS.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=JARS.parent) as draft:
        sums = {str(jar.relative_to(draft)): sha256(jar) for jar in _resolve(Path(draft))}
    SUMS.write_text("".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items())))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.kafka_jars", description=__doc__)
    parser.add_argument("--accept", action="store_true", help="write the sums of what the repository serves now")
    if parser.parse_args().accept:
        accept()
    try:
        print(f"{len(ensure_jars())} jars in {JARS}")
    except JarsRefused as refused:
        print(refused, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
