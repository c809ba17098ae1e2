"""Alembic's entry; the chassis does the work."""

from chassis.alembic_env import run
from services.billing.models import Table

run(Table.metadata)
