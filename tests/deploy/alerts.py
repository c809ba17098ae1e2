"""The alert rules, as Prometheus reads them."""

from functools import cache
from typing import Any

import yaml

from deploy.local.paths import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"


@cache
def rules() -> list[dict[str, Any]]:
    files = sorted((PROMETHEUS / "rules").glob("*.yml"))
    return [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
