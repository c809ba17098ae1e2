"""`create-operator`, as it is typed."""

import asyncio
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select

from chassis.audit import audit_entries
from chassis.clock import FixedClock
from chassis.service import database_of
from contracts.identity import Role
from deploy.local.postgres import ServiceDatabase
from services.identity import queries
from services.identity.create_operator import create_operator
from services.identity.passwords import Passwords
from tests.identity.house import KEY_SECRET, PASSWORD, House, Person, settings_for

EMAIL = "robin@waybill.example"


@dataclass
class Outcome:
    returncode: int
    stdout: str
    stderr: str


class Shell:
    """Types the command: in a thread of this process, which is as good, or in one of its own."""

    def __init__(
        self,
        database: ServiceDatabase,
        room: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.database = database
        self.room = room
        self.capsys = capsys
        for name, value in {**database.environment(), "IDENTITY_KEY_SECRET": KEY_SECRET}.items():
            monkeypatch.setenv(name, value)

    async def create(self, *options: str, role: str = "super_admin", email: str = EMAIL) -> Outcome:
        self.capsys.readouterr()
        returncode = 0
        try:
            await asyncio.to_thread(create_operator, _arguments(email, role, options))
        except SystemExit as end:
            returncode = int(end.code or 0)
        printed = self.capsys.readouterr()
        return Outcome(returncode, printed.out, printed.err)

    async def create_in_a_process(self, *options: str) -> Outcome:
        command = ["-m", "services.identity", "create-operator", *_arguments(EMAIL, "super_admin", options)]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=pipe, stderr=pipe)
        out, err = await process.communicate()
        return Outcome(process.returncode or 0, out.decode(), err.decode())

    def file(self, name: str, content: str) -> str:
        path = self.room / name
        path.write_text(content)
        return str(path)


def _arguments(email: str, role: str, options: Sequence[str]) -> list[str]:
    return ["--email", email, "--name", "Robin Field", "--role", role, *options]


@pytest.fixture
def shell(
    fresh_database: Callable[[str], ServiceDatabase],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    return Shell(fresh_database("identity"), tmp_path, monkeypatch, capsys)


async def sign_in(shell: Shell, clock: FixedClock, passwords: Passwords, password: str, secret: str) -> Role:
    settings = settings_for(shell.database.url)
    database = database_of("identity", settings)
    house = House(database, settings, clock, passwords)
    async with database.reading() as session:
        row = await queries.operator_by_email(session, EMAIL)
    assert row is not None
    granted = await house.sign_in(Person(row.id, row.email, row.name, secret, password))
    await database.close()
    return Role(granted.operator.role)


class TestCreateOperator:
    async def test_with_given_secrets_prints_none(self, shell: Shell, clock: FixedClock, passwords: Passwords) -> None:
        secret = pyotp.random_base32()
        files = (
            *("--password-file", shell.file("password", f"{PASSWORD}\n")),
            *("--totp-secret-file", shell.file("totp", f"{secret}\n")),
        )
        done = await shell.create_in_a_process(*files)
        assert (done.returncode, done.stdout, done.stderr) == (0, "the operator was created\n", "")
        assert await sign_in(shell, clock, passwords, PASSWORD, secret) is Role.SUPER_ADMIN

    async def test_what_it_makes_up_it_prints_once(self, shell: Shell, clock: FixedClock, passwords: Passwords) -> None:
        done = await shell.create(role="editor")
        printed = dict(line.split(": ") for line in done.stdout.splitlines()[1:])
        assert set(printed) == {"password", "totp_secret"}
        assert await sign_in(shell, clock, passwords, printed["password"], printed["totp_secret"]) is Role.EDITOR

    async def test_done_twice_is_done_once(self, shell: Shell) -> None:
        await shell.create()
        again = await shell.create(role="editor", email=EMAIL.upper())
        assert (again.returncode, again.stdout) == (0, "the operator exists already; nothing was changed\n")
        database = database_of("identity", settings_for(shell.database.url))
        async with database.reading() as session:
            row = await queries.operator_by_email(session, EMAIL)
            keys = await queries.signing_keys(session)
            entries = (await session.execute(select(audit_entries.c.actor_name, audit_entries.c.action))).all()
        await database.close()
        assert row is not None
        assert (row.role, len(keys)) == (Role.SUPER_ADMIN, 1)
        assert [tuple(entry) for entry in entries] == [("system", "create_operator")]

    @pytest.mark.parametrize(
        ("file", "content", "told"),
        [
            ("--password-file", "short", "choose another password"),
            ("--totp-secret-file", "GEZDGNBVGY3TQOJQ", "the one-time-code secret"),
        ],
    )
    async def test_refuses_weak_secrets_in_one_line(self, shell: Shell, file: str, content: str, told: str) -> None:
        done = await shell.create(file, shell.file("weak", content))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert told in done.stderr
        assert content not in done.stderr

    async def test_says_what_the_environment_lacks(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("IDENTITY_KEY_SECRET")
        done = await shell.create()
        assert (done.returncode, done.stderr) == (
            2,
            "identity: the environment lacks, or has wrong: IDENTITY_KEY_SECRET\n",
        )

    @pytest.mark.parametrize(
        ("name", "wrong"), [("DATABASE_URL_IDENTITY", "nowhere"), ("BUSINESS_TIME_ZONE", "Mars/Olympus")]
    )
    async def test_says_what_the_environment_has_wrong(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, wrong: str
    ) -> None:
        monkeypatch.setenv(name, wrong)
        done = await shell.create()
        assert (done.returncode, done.stderr) == (2, f"identity: the environment lacks, or has wrong: {name}\n")

    @pytest.mark.parametrize(
        ("part", "other", "told"),
        [
            ("/waybill_.*", "/waybull", "InvalidCatalogNameError"),
            ("//identity:", "//nobody:", "InvalidPasswordError"),
            ("@127.0.0.1:[0-9]+", "@127.0.0.1:9", "Connect call failed"),
        ],
    )
    async def test_says_in_one_line_why_there_is_no_database(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, part: str, other: str, told: str
    ) -> None:
        monkeypatch.setenv("DATABASE_URL_IDENTITY", re.sub(part, other, shell.database.url))
        done = await shell.create()
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert told in done.stderr

    async def test_says_in_one_line_that_nobody_migrated(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, empty_database: ServiceDatabase
    ) -> None:
        monkeypatch.setenv("DATABASE_URL_IDENTITY", empty_database.url)
        done = await shell.create()
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "UndefinedTableError" in done.stderr
