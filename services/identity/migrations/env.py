"""Alembic's entry; the chassis does the work."""

from chassis.alembic_env import run
from services.identity.models import Model

run(Model.metadata)
