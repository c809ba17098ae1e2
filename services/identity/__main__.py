"""`python -m services.identity [command]`: the chassis's commands, and `create-operator` for the first sign-in."""

import sys

from chassis.process import run
from services.identity.create_operator import create_operator
from services.identity.main import build

if __name__ == "__main__":
    if sys.argv[1:2] == ["create-operator"]:
        create_operator(sys.argv[2:])
    else:
        run("identity", build)
