"""What a cluster is told: who runs what, with which settings, how it is watched, how it is scaled."""

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache

import pytest

from chassis.http.app import build_app
from chassis.http.health import Health
from chassis.settings import ServiceSettings
from contracts.topics import TOPICS
from deploy import SERVICES
from deploy.checks.kubernetes import Manifest, faults_of, is_kedas, rendered
from deploy.local.paths import ROOT
from deploy.services import build
from tests.kit.settings import variables_of

README = ROOT / "deploy" / "README.md"
COMPONENT = "app.kubernetes.io/component"
PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


def of_kind(kind: str) -> dict[str, Manifest]:
    """By name."""
    return {m["metadata"]["name"]: m for m in rendered() if m["kind"] == kind}


def workloads() -> Iterator[Manifest]:
    for kind in ("Deployment", "Job"):
        yield from of_kind(kind).values()


def pod(workload: Manifest) -> Manifest:
    template: Manifest = workload["spec"]["template"]
    return template


def container(workload: Manifest) -> Manifest:
    (only,) = pod(workload)["spec"]["containers"]
    return dict(only)


def labels(workload: Manifest) -> dict[str, str]:
    return {name.removeprefix("app.kubernetes.io/"): word for name, word in pod(workload)["metadata"]["labels"].items()}


class TestEveryObject:
    @pytest.mark.parametrize("kind", sorted({m["kind"] for m in rendered() if not is_kedas(m)}))
    def test_has_only_fields_that_the_cluster_knows(self, kind: str) -> None:
        assert [fault for manifest in of_kind(kind).values() for fault in faults_of(manifest)] == []

    def test_a_wrong_deployment_would_be_seen(self) -> None:
        deployment = deepcopy(of_kind("Deployment")["billing-api"])
        deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
        assert list(faults_of(deployment))

    def test_lies_in_the_namespace_of_the_overlay(self) -> None:
        (namespace,) = of_kind("Namespace")
        assert {m["metadata"]["namespace"] for m in rendered() if m["kind"] != "Namespace"} == {namespace}


class TestEveryPod:
    def test_may_do_nothing_that_it_need_not(self) -> None:
        for workload in workloads():
            given, own = pod(workload)["spec"], container(workload)
            assert given["securityContext"]["runAsNonRoot"]
            assert given["securityContext"]["runAsUser"] > 0
            assert given["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert given["automountServiceAccountToken"] is False
            assert own["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }

    def test_has_the_memory_that_was_measured_and_a_bound(self) -> None:
        for workload in workloads():
            resources = container(workload)["resources"]
            assert resources["requests"].keys() == {"cpu", "memory"}
            assert _mebibytes(resources["requests"]["memory"]) >= 128
            assert _mebibytes(resources["limits"]["memory"]) >= 2 * _mebibytes(resources["requests"]["memory"])

    def test_is_told_what_its_service_reads_and_nothing_else(self) -> None:
        """A setting under a wrong name would be left at its default, in silence."""
        for workload in workloads():
            for name in environment(workload):
                assert name in known_to(labels(workload)["name"]), f"{workload['metadata']['name']}: {name}"

    def test_gets_what_is_secret_by_reference(self) -> None:
        for workload in workloads():
            for variable in container(workload).get("env", []):
                assert set(variable) == {"name", "valueFrom"}
                assert set(variable["valueFrom"]) == {"secretKeyRef"}
        settings = [m["data"] for m in of_kind("ConfigMap").values()]
        assert not [name for data in settings for name in data if name.endswith(("_SECRET", "_KEY", "_PASSWORD"))]


def _mebibytes(quantity: str) -> int:
    return int(quantity.removesuffix("Mi"))


def environment(workload: Manifest) -> set[str]:
    own = container(workload)
    named = {variable["name"] for variable in own.get("env", [])}
    for source in own.get("envFrom", []):
        named |= of_kind("ConfigMap")[source["configMapRef"]["name"]]["data"].keys()
    return named


@cache
def known_to(service: str) -> frozenset[str]:
    """What is in the common settings may be another service's; what is a service's own must be its."""
    every = frozenset().union(*(variables_of(name) for name in SERVICES))
    of_jobs = {"KAFKA_REPLICATION_FACTOR", *(f"DATABASE_OWNER_URL_{name.upper()}" for name in SERVICES)}
    return every | of_jobs if service != "topics" else every | {"KAFKA_REPLICATION_FACTOR"}


@pytest.mark.parametrize("service", SERVICES)
class TestEachService:
    def test_has_both_shapes_from_its_own_image(self, service: str) -> None:
        for shape in ("api", "worker"):
            deployment = of_kind("Deployment")[f"{service}-{shape}"]
            assert container(deployment)["args"] == [shape]
            assert container(deployment)["image"].startswith(f"waybill-{service}:")
            assert "replicas" not in deployment["spec"]
            assert (
                deployment["spec"]["selector"]["matchLabels"].items() <= pod(deployment)["metadata"]["labels"].items()
            )

    def test_is_given_every_setting_that_has_no_default(self, service: str) -> None:
        required = {"DATABASE_URL_" + service.upper(), *SECRETS_OF.get(service, ())}
        for shape in ("api", "worker"):
            named = environment(of_kind("Deployment")[f"{service}-{shape}"])
            assert required <= named
            assert not {name for name in named if name.startswith("DATABASE_OWNER_URL_")}

    def test_is_probed_where_it_answers(self, service: str) -> None:
        served = _routes(service)
        for shape in ("api", "worker"):
            own = container(of_kind("Deployment")[f"{service}-{shape}"])
            (port,) = own["ports"]
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                asked = own[probe]["httpGet"]
                assert asked["path"] in served
                assert asked["port"] == port["name"]
            assert own["livenessProbe"]["httpGet"]["path"] != own["readinessProbe"]["httpGet"]["path"]

    def test_ends_its_work_before_it_is_killed(self, service: str) -> None:
        patience = ServiceSettings.model_fields["graceful_timeout_seconds"].default
        for shape in ("api", "worker"):
            deployment = of_kind("Deployment")[f"{service}-{shape}"]
            pause = container(deployment).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            assert pod(deployment)["spec"]["terminationGracePeriodSeconds"] > patience + pause

    def test_keeps_one_process_through_a_drain(self, service: str) -> None:
        for shape in ("api", "worker"):
            budget = of_kind("PodDisruptionBudget")[f"{service}-{shape}"]["spec"]
            scaler = of_kind("ScaledObject")[f"{service}-{shape}"]["spec"]
            assert scaler["minReplicaCount"] > budget["maxUnavailable"]
            deployment = of_kind("Deployment")[f"{service}-{shape}"]
            assert budget["selector"] == deployment["spec"]["selector"]

    def test_scales_its_workers_by_the_lag_of_each_topic_that_it_consumes(self, service: str) -> None:
        built = build(service)
        spec = of_kind("ScaledObject")[f"{service}-worker"]["spec"]
        triggers = [trigger["metadata"] for trigger in spec["triggers"] if trigger["type"] == "kafka"]
        consumed = {built.consumer_name(consumer): consumer.topic.name for consumer in built.consumers}
        assert {trigger["consumerGroup"]: trigger["topic"] for trigger in triggers} == consumed
        assert all(spec["maxReplicaCount"] <= PARTITIONS[topic] for topic in consumed.values())
        assert spec["scaleTargetRef"]["name"] in of_kind("Deployment")

    def test_scales_its_api_by_its_requests(self, service: str) -> None:
        spec = of_kind("ScaledObject")[f"{service}-api"]["spec"]
        (trigger,) = spec["triggers"]
        assert trigger["type"] == "prometheus"
        assert f'service="{service}", shape="api"' in trigger["metadata"]["query"]
        assert spec["scaleTargetRef"]["name"] in of_kind("Deployment")

    def test_is_migrated_by_its_owner_from_its_own_image(self, service: str) -> None:
        job = of_kind("Job")[f"{service}-migration"]
        assert container(job)["args"] == ["migrate"]
        assert container(job)["image"] == container(of_kind("Deployment")[f"{service}-api"])["image"]
        assert environment(job) == {f"DATABASE_URL_{service.upper()}", f"DATABASE_OWNER_URL_{service.upper()}"}


SECRETS_OF = {
    "identity": ("IDENTITY_KEY_SECRET",),
    "routing": ("ROUTING_KEY_SECRET",),
    "billing": ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "BILLING_KEY_SECRET"),
    "payouts": ("STRIPE_API_KEY", "STRIPE_CONNECT_WEBHOOK_SECRET"),
    "notifications": ("SMTP_URL", "TICKET_TOKEN_SECRET"),
}


def _routes(service: str) -> set[str]:
    built = build(service)
    health = Health(built.database)
    app = build_app(name=service, settings=built.settings, routes=(), dependencies={}, health=health)
    return {route.path_format for route in app.routes}


class TestTheTopics:
    def test_are_created_by_a_job_on_as_many_brokers_as_are_said(self) -> None:
        job = of_kind("Job")["topics"]
        assert container(job)["command"] == ["python", "-m", "chassis.topics"]
        assert {"KAFKA_BOOTSTRAP_SERVERS", "KAFKA_REPLICATION_FACTOR"} <= environment(job)

    def test_and_the_migrations_are_applied_before_the_processes(self) -> None:
        """By the selector of deploy/README.md."""
        late = {m["kind"] for m in rendered() if m["metadata"]["labels"].get(COMPONENT) in {"api", "worker"}}
        assert late == {"Deployment", "Service"}
        assert "app.kubernetes.io/component notin (api, worker)" in README.read_text()


class TestTheSecrets:
    def test_are_told_of_by_name_and_key(self) -> None:
        variables = [variable for workload in workloads() for variable in container(workload).get("env", [])]
        asked = [variable["valueFrom"]["secretKeyRef"] for variable in variables]
        told = README.read_text()
        for service in SERVICES:
            told += told.replace("<service>", service)
        for secret in asked:
            assert re.search(rf"`{secret['name']}` \|.*`{secret['key']}`", told), secret
