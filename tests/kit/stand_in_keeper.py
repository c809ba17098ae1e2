"""The command line and the keeper of the machine room over real servers and stand-ins for the services.

`python -m tests.kit.stand_in_keeper up|down|status|clock`; without an argument it is the keeper.
"""

import sys

from deploy.local import keeper
from deploy.local.__main__ import main
from deploy.local.running import LOGS
from deploy.local.system import System
from tests.kit.stand_in import no_migration, stand_in_service


def make_system() -> System:
    return System(logs=LOGS, report=keeper.report_progress, make_service=stand_in_service, make_migration=no_migration)


if __name__ == "__main__":
    if sys.argv[1:]:
        main(sys.argv[1:], keeper_module="tests.kit.stand_in_keeper")
    else:
        keeper.main(make_system)
