"""`python -m deploy.checks`: runs every check, says what each found, and fails where one found a fault.

It renders the manifests anew; `--record` writes down which files were accepted, if all were (`passed.sha256`).
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.checks import compose, kubernetes, passed
from deploy.checks.compose import Uncomposed
from deploy.checks.kubernetes import Unrendered
from deploy.checks.tools import PROMTOOL, ToolRefused, ensure_tool
from deploy.local.paths import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"


class Fault(Exception):
    """What a tool said."""


def check_image() -> str:
    _run(Path(sys.executable).with_name("hadolint"), "--failure-threshold", "style", "Dockerfile")
    return "hadolint has nothing to say of the Dockerfile"


def check_rules() -> str:
    promtool = ensure_tool(PROMTOOL)
    rules = sorted(map(str, (PROMETHEUS / "rules").glob("*.yml")))
    tests = sorted(map(str, (PROMETHEUS / "tests").glob("*.yml")))
    _run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *rules)
    _run(promtool, "check", "config", *map(str, PROMETHEUS.glob("*.yml")))
    _run(promtool, "test", "rules", *tests)
    return f"promtool accepts {len(rules)} files of rules, both configurations, and every test of an alert"


def check_manifests() -> str:
    kubernetes.write_rendered()
    manifests = [manifest for place in kubernetes.places() for manifest in kubernetes.render(place)]
    faults = [fault for manifest in manifests for fault in kubernetes.faults_of(manifest)]
    if faults:
        raise Fault("\n".join(faults))
    versions = " and ".join(kubernetes.VERSIONS)
    return f"kustomize renders {len(manifests)} objects; Kubernetes {versions} and KEDA know every field of them"


def check_compose() -> str:
    project = compose.load(compose.example())
    return f"compose-go loads {len(project['services'])} services"


CHECKS: tuple[Callable[[], str], ...] = (check_image, check_rules, check_manifests, check_compose)


def _run(tool: Path, *arguments: str) -> None:
    done = subprocess.run([str(tool), *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Fault(f"{tool.name} {arguments[0]}:\n{done.stdout}{done.stderr}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.checks", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write down which files were accepted")
    wants_record = parser.parse_args().record
    failed = False
    for check in CHECKS:
        try:
            print(check())
        except (Fault, ToolRefused, Uncomposed, Unrendered) as fault:
            failed = True
            print(fault, file=sys.stderr)
    if wants_record and not failed:
        passed.record()
    sys.exit(failed)


if __name__ == "__main__":
    main()
