import chassis.audit  # noqa: F401  # its table is one of those that are compared
from chassis.alembic_env import run
from services.routing.models import Model

run(Model.metadata)
