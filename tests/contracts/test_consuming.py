"""`contracts/` installs by itself, and the consumer of docs/consuming.md works with nothing else of ours."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer

from contracts.registry import EVENTS

ROOT = Path(__file__).resolve().parents[2]


def sample() -> str:
    found = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "consuming.md").read_text(), re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built package alone."""
    room = tmp_path_factory.mktemp("contracts")
    source = shutil.copytree(ROOT / "contracts", room / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(room), str(source)]
    subprocess.run(build, check=True, capture_output=True, cwd=room)
    (wheel,) = room.glob("*.whl")
    unpack = [sys.executable, "-m", "zipfile", "-e", str(wheel), str(room / "site")]
    subprocess.run(unpack, check=True, capture_output=True)
    return room / "site"


class TestTheWheel:
    def test_holds_the_contracts_alone(self, installed: Path) -> None:
        assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} == {"contracts"}
        assert len(list((installed / "contracts" / "schemas").glob("*.json"))) >= len(EVENTS)

    def test_imports_no_io(self, installed: Path) -> None:
        code = "import sys, contracts.registry; print(sorted(m for m in sys.modules if m in sys.argv[1:]))"
        forbidden = ["aiokafka", "asyncpg", "httpx", "litestar", "sqlalchemy", "faststream", "chassis"]
        done = subprocess.run(
            [sys.executable, "-c", code, *forbidden],
            check=True,
            capture_output=True,
            text=True,
            cwd=installed,
            env={**os.environ, "PYTHONPATH": str(installed)},
        )
        assert done.stdout.strip() == "[]"

    def test_the_sample_is_about_twenty_lines(self) -> None:
        assert len([line for line in sample().splitlines() if line.strip()]) <= 22


class TestTheSampleConsumer:
    async def test_prints_a_sent_assignment_and_sets_a_poisoned_record_aside(
        self, installed: Path, kafka_bootstrap_servers: str, tmp_path: Path
    ) -> None:
        program = tmp_path / "consumer.py"
        program.write_text(sample())
        event_id = await _publish(kafka_bootstrap_servers)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(program),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed), "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            printed = await asyncio.wait_for(_until(process, str(event_id)), 30)
        finally:
            process.kill()
            await process.wait()
        assert any("set aside: routing.assignments" in line and "header_null" in line for line in printed)


async def _publish(bootstrap_servers: str) -> UUID:
    example = json.loads((ROOT / "contracts" / "examples" / "assignment.sent.1.json").read_text())
    event_id = uuid4()
    headers = [(name, text.encode()) for name, text in (example["headers"] | {"ce_id": str(event_id)}).items()]
    body = EVENTS["assignment.sent"].model_validate(example["body"]).model_dump_json().encode()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all") as producer:
        key = example["key"].encode()
        await producer.send_and_wait("routing.assignments", body, key, headers=[("ce_id", None)])
        await producer.send_and_wait("routing.assignments", body, key, headers=headers)
    return event_id


async def _until(process: asyncio.subprocess.Process, text: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    while text not in (lines[-1] if lines else ""):
        line = await process.stdout.readline()
        assert line, f"the consumer ended early: {lines}"
        lines.append(line.decode())
    return lines
