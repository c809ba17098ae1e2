"""The manifests as a cluster gets them, held against the schemas of Kubernetes and KEDA; unknown fields are refused."""

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from deploy.checks.tools import KUSTOMIZE, ensure_keda, ensure_tool
from deploy.local.paths import ROOT

MANIFESTS = ROOT / "deploy" / "kubernetes"
PRODUCTION = "overlays/production"
RENDERED = MANIFESTS / "rendered" / "production.yaml"
"""What production gets, as it was rendered last: to be read in a review, and by the tests, which have no kustomize."""
VERSIONS = ("1.34", "1.37")
"""The oldest cluster that has all we use (a sleep before the stop), and the newest."""

Manifest = dict[str, Any]


class Unrendered(Exception):
    """What kustomize said."""


def render(place: str) -> tuple[Manifest, ...]:
    """What `kustomize build deploy/kubernetes/<place>` gives."""
    return tuple(yaml.safe_load_all(_build(place)))


def write_rendered() -> None:
    RENDERED.parent.mkdir(exist_ok=True)
    RENDERED.write_text("# `make platform-check` renders overlays/production into this file.\n" + _build(PRODUCTION))


@cache
def rendered() -> tuple[Manifest, ...]:
    return tuple(yaml.safe_load_all(RENDERED.read_text()))


@cache
def _build(place: str) -> str:
    command = [str(ensure_tool(KUSTOMIZE)), "build", str(MANIFESTS / place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        raise Unrendered(done.stderr.strip())
    return done.stdout


def faults_of(manifest: Manifest) -> Iterator[str]:
    """What a cluster would refuse or drop, as sentences."""
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    if is_kedas(manifest):
        yield from (f"{name}: {fault}" for fault in _keda_faults(manifest))
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as fault:
            yield f"{name} ({version}): {fault.message}"


def is_kedas(manifest: Manifest) -> bool:
    return bool(manifest["apiVersion"].startswith("keda.sh/"))


def _keda_faults(scaler: Manifest) -> Iterator[str]:
    for error in _keda_schema().iter_errors(scaler):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
    for trigger in scaler["spec"]["triggers"]:
        yield from _trigger_faults(trigger)


def _trigger_faults(trigger: Manifest) -> Iterator[str]:
    """A trigger's metadata is free text to the cluster; KEDA publishes what each of its scalers reads."""
    known = _parameters(trigger["type"])
    given = trigger["metadata"].keys()
    for name in sorted(given - known.keys()):
        yield f"the {trigger['type']} trigger does not know {name}"
    for name, parameter in known.items():
        names = {name, f"{name}FromEnv"} if parameter.get("envVariableReadable") else {name}
        if not parameter.get("optional") and "default" not in parameter and not names & given:
            yield f"the {trigger['type']} trigger needs {name}"
        allowed = parameter.get("allowedValue", [])
        if name in given and allowed and trigger["metadata"][name] not in allowed:
            yield f"the {trigger['type']} trigger does not take {trigger['metadata'][name]} for {name}"


@cache
def _parameters(scaler: str) -> dict[str, Manifest]:
    """By name; those that can be read from the environment go by `…FromEnv` too."""
    published = json.loads((ensure_keda() / "scalers-schema.json").read_text())["scalers"]
    listed = next(found["parameters"] for found in published if found["type"] == scaler)
    known = {parameter["name"]: parameter for parameter in listed}
    from_environment = {f"{n}FromEnv": {"optional": True} for n, p in known.items() if p.get("envVariableReadable")}
    return known | from_environment


@cache
def _keda_schema() -> jsonschema.Draft202012Validator:
    definition = yaml.safe_load((ensure_keda() / "keda.sh_scaledobjects.yaml").read_text())
    (version,) = definition["spec"]["versions"]
    schema = _strict(version["schema"]["openAPIV3Schema"])
    # The definition leaves the object's own name and labels to the cluster.
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(schema)


def _strict(schema: Any) -> Any:
    """The same with unknown fields refused, which a cluster would drop in silence."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _strict(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        made["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return made


def places() -> list[str]:
    """Everything that is applied as a whole."""
    overlays = sorted(path.parent for path in (MANIFESTS / "overlays").glob("*/kustomization.yaml"))
    return [str(Path(path).relative_to(MANIFESTS)) for path in (*overlays, MANIFESTS / "monitoring")]
