"""Alembic's entry for intake."""

from chassis.alembic_env import run
from services.intake.models import Model

run(Model.metadata)
