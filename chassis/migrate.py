"""Migrating a service's database, from the command line and from tests."""

import os
from importlib.util import find_spec
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import make_url

from chassis.errors import NoDatabase


def configuration(service: str, owner_url: str, app_role: str | None) -> Config:
    """`app_role` is the role that serves; None where the owner itself serves."""
    config = Config()
    config.set_main_option("script_location", str(_directory(service) / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["owner_url"] = owner_url
    config.attributes["app_role"] = app_role
    return config


def _directory(service: str) -> Path:
    spec = find_spec(f"services.{service}")
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no service {service!r} here")
    return Path(spec.origin).parent


def from_environment(service: str) -> Config:
    """`DATABASE_OWNER_URL_<SERVICE>` migrates; `DATABASE_URL_<SERVICE>` names the role that serves."""
    serving = os.environ.get(f"DATABASE_URL_{service.upper()}")
    owner = os.environ.get(f"DATABASE_OWNER_URL_{service.upper()}", serving)
    if serving is None or owner is None:
        raise NoDatabase(f"DATABASE_URL_{service.upper()} is not set")
    role, owner_role = make_url(serving).username, make_url(owner).username
    return configuration(service, owner, role if role != owner_role else None)


def upgrade(config: Config) -> None:
    command.upgrade(config, "head")


def check(config: Config) -> None:
    """Raises where the models and the migrated schema differ."""
    command.check(config)


def revision(config: Config, message: str) -> None:
    command.revision(config, message=message, autogenerate=True)
