"""Migrating a service's database, from the command line and from tests."""

import os
from importlib.util import find_spec
from pathlib import Path

from alembic import command
from alembic.config import Config

from chassis.errors import NoDatabase
from chassis.settings import parsed_database_url


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
    serving_name, owner_name = f"DATABASE_URL_{service.upper()}", f"DATABASE_OWNER_URL_{service.upper()}"
    serving = os.environ.get(serving_name)
    if serving is None:
        raise NoDatabase(f"{serving_name} is not set")
    owner = os.environ.get(owner_name, serving)
    role, owner_role = _role_of(serving_name, serving), _role_of(owner_name, owner)
    return configuration(service, owner, role if role != owner_role else None)


def _role_of(name: str, url: str) -> str | None:
    try:
        return parsed_database_url(url).username
    except ValueError as wrong:
        raise NoDatabase(f"{name}: {wrong}") from None


def upgrade(config: Config) -> None:
    command.upgrade(config, "head")


def check(config: Config) -> None:
    """Raises where the models and the migrated schema differ."""
    command.check(config)


def revision(config: Config, message: str) -> None:
    command.revision(config, message=message, autogenerate=True)
