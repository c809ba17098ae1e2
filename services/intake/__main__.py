from chassis.process import run
from services.intake.main import build

if __name__ == "__main__":
    run("intake", build)
