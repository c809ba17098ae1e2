"""Alembic's entry for intake."""

from chassis.alembic_env import run
from services.intake.models_keys import LeadKey

run(LeadKey.metadata)
