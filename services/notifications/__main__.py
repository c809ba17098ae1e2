from chassis.process import run
from services.notifications.main import build

if __name__ == "__main__":
    run("notifications", build)
