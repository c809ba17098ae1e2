from chassis.alembic_env import run
from services.notifications.models import Model

run(Model.metadata)
