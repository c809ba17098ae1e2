"""`python -m services.billing [api | worker | all | migrate | check | openapi]`."""

from chassis.process import run
from services.billing.main import build

if __name__ == "__main__":
    run("billing", build)
