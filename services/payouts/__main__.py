from chassis.process import run
from services.payouts.main import build

if __name__ == "__main__":
    run("payouts", build)
