"""On what a figure was measured, in words that a reader can compare."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil  # type: ignore[import-untyped]

PRODUCT = ("aiokafka", "asyncpg", "sqlalchemy", "pydantic", "faststream", "litestar", "uvloop")
GIB = 2**30


def machine() -> str:
    memory = psutil.virtual_memory().total / GIB
    return f"{_cpu_model()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def load() -> float:
    """The load average of the last minute: what others did on the machine just before."""
    return round(os.getloadavg()[0], 2)


def versions(libraries: Iterable[str]) -> dict[str, str]:
    return {"Python": platform.python_version(), **{name: _version(name) for name in (*PRODUCT, *libraries)}}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
