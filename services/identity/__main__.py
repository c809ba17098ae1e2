"""`python -m services.identity [command]`: the chassis's commands, and `create-operator` for the first sign-in."""

import sys

if __name__ == "__main__":
    # Seeding runs it once per operator: it does not load what only serving needs.
    if sys.argv[1:2] == ["create-operator"]:
        from services.identity.create_operator import create_operator

        create_operator(sys.argv[2:])
    else:
        from chassis.process import run
        from services.identity.main import build

        run("identity", build)
