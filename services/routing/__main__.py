from chassis.process import run
from services.routing.main import build

if __name__ == "__main__":
    run("routing", build)
