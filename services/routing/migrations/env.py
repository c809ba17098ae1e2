from chassis.alembic_env import run
from services.routing.models import Model

run(Model.metadata)
