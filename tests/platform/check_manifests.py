"""What kustomize makes of the other overlays, and what KEDA would not understand."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from deploy.checks.kubernetes import Manifest, faults_of, places, render, rendered


@pytest.mark.parametrize("place", [place for place in places() if place.startswith("overlays/")])
class TestAnOverlay:
    def test_lies_in_one_namespace(self, place: str) -> None:
        (namespace,) = (m["metadata"]["name"] for m in render(place) if m["kind"] == "Namespace")
        assert {m["metadata"]["namespace"] for m in render(place) if m["kind"] != "Namespace"} == {namespace}


def worker_scaler() -> Manifest:
    (found,) = (m for m in rendered() if (m["kind"], m["metadata"]["name"]) == ("ScaledObject", "billing-worker"))
    return deepcopy(found)


class TestAScaler:
    def test_has_only_what_keda_reads(self) -> None:
        assert list(faults_of(worker_scaler())) == []

    @pytest.mark.parametrize(
        "change",
        [
            lambda spec: spec.update(minReplicas=2),
            lambda spec: spec["triggers"][0]["metadata"].update(lagTreshold="1"),
            lambda spec: spec["triggers"][0]["metadata"].pop("consumerGroup"),
            lambda spec: spec["triggers"][0]["metadata"].update(offsetResetPolicy="newest"),
        ],
    )
    def test_that_is_wrong_would_be_seen(self, change: Callable[[Any], Any]) -> None:
        scaler = worker_scaler()
        change(scaler["spec"])
        assert list(faults_of(scaler))
