from chassis.alembic_env import run
from services.payouts.models import Model

run(Model.metadata)
