"""Who may speak to whom on a cluster, as its network would decide it by the policies together."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from deploy import SERVICES
from deploy.checks.kubernetes import Manifest, rendered

HTTP, POSTGRESQL, KAFKA, DNS, HTTPS, SMTPS, OTHER_HTTPS = 8000, 5432, 9092, 53, 443, 465, 8443


@dataclass(frozen=True)
class Party:
    """A pod by its labels and those of its namespace; or a machine outside, by its address."""

    labels: tuple[tuple[str, str], ...] = ()
    namespace: tuple[tuple[str, str], ...] = ()
    address: str | None = None
    ours: bool = False


def ours(name: str, component: str) -> Party:
    prefix = "app.kubernetes.io"
    labels = {f"{prefix}/name": name, f"{prefix}/component": component, f"{prefix}/part-of": "waybill"}
    return Party(tuple(labels.items()), (("kubernetes.io/metadata.name", "waybill"),), ours=True)


def of_namespace(label: str, value: str = "true", **labels: str) -> Party:
    return Party(tuple(labels.items()), ((label, value),))


INGRESS = of_namespace("waybill/ingress")
PROMETHEUS = of_namespace("waybill/monitoring")
DATABASE = of_namespace("waybill/postgresql")
BROKER = of_namespace("waybill/kafka")
STRANGER = of_namespace("kubernetes.io/metadata.name", "default")
NAME_SERVER = of_namespace("kubernetes.io/metadata.name", "kube-system", **{"k8s-app": "kube-dns"})
STRIPE = Party(address="54.187.174.169")
SOMEBODYS_SERVER = Party(address="54.206.10.20")
METADATA_OF_THE_CLOUD = [Party(address="169.254.169.254"), Party(address="100.100.100.200")]
MACHINE_INSIDE = Party(address="10.1.2.3")


def allowed(source: Party, target: Party, port: int) -> bool:
    """Both ends must allow it, where they are ours; a pod that a policy speaks of is closed but for what it says."""
    leaves = not source.ours or _passes("egress", "to", source, target, port)
    enters = not target.ours or _passes("ingress", "from", target, source, port)
    return leaves and enters


def _passes(direction: str, peers: str, pod: Party, other: Party, port: int) -> bool:
    policies = [m["spec"] for m in rendered() if m["kind"] == "NetworkPolicy"]
    about = [
        policy
        for policy in policies
        if direction.title() in policy["policyTypes"] and _selects(policy["podSelector"], pod.labels)
    ]
    rules = [rule for policy in about for rule in policy.get(direction, [])]
    return not about or any(_rule_passes(rule, peers, other, port) for rule in rules)


def _rule_passes(rule: Manifest, peers: str, other: Party, port: int) -> bool:
    ports = {HTTP if entry["port"] == "http" else entry["port"] for entry in rule["ports"]}
    return port in ports and any(_is_peer(peer, other) for peer in rule[peers])


def _is_peer(peer: Manifest, other: Party) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        excepted = [within(other.address, network) for network in block.get("except", [])]
        return within(other.address, block["cidr"]) and not any(excepted)
    if other.address is not None or ("namespaceSelector" not in peer and not other.ours):
        return False
    return _selects(peer.get("namespaceSelector", {}), other.namespace) and _selects(
        peer.get("podSelector", {}), other.labels
    )


def within(address: str | None, network: str) -> bool:
    """A pod is reached by its labels; its address is the cluster's, and excepted."""
    return address is not None and ip_address(address) in ip_network(network)


def _selects(selector: Manifest, labels: tuple[tuple[str, str], ...]) -> bool:
    worn: dict[str, Any] = dict(labels)
    wanted = selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", [])
    return all(worn.get(name) == value for name, value in wanted.items()) and all(
        expression["operator"] == "In" and worn.get(expression["key"]) in expression["values"]
        for expression in expressions
    )


@pytest.mark.parametrize("service", SERVICES)
class TestEachService:
    @pytest.mark.parametrize("component", ["api", "worker", "migration"])
    def test_reaches_its_database_and_the_name_server(self, service: str, component: str) -> None:
        assert allowed(ours(service, component), DATABASE, POSTGRESQL)
        assert allowed(ours(service, component), NAME_SERVER, DNS)

    def test_reaches_the_broker_from_its_workers_alone(self, service: str) -> None:
        reaching = [c for c in ("api", "worker", "migration") if allowed(ours(service, c), BROKER, KAFKA)]
        assert reaching == ["worker"]

    def test_is_reached_by_the_ingress_at_its_api_and_by_prometheus(self, service: str) -> None:
        assert allowed(INGRESS, ours(service, "api"), HTTP)
        assert not allowed(INGRESS, ours(service, "worker"), HTTP)
        assert all(allowed(PROMETHEUS, ours(service, component), HTTP) for component in ("api", "worker"))

    def test_is_reached_by_nobody_else(self, service: str) -> None:
        for component in ("api", "worker", "migration"):
            assert not allowed(STRANGER, ours(service, component), HTTP)
            assert not allowed(MACHINE_INSIDE, ours(service, component), HTTP)

    def test_speaks_to_no_sibling_but_identity(self, service: str) -> None:
        for component in ("api", "worker"):
            reached = [other for other in SERVICES if allowed(ours(service, component), ours(other, "api"), HTTP)]
            assert reached == ["identity"]
            assert not any(allowed(ours(service, component), ours(other, "worker"), HTTP) for other in SERVICES)

    def test_leaves_the_cluster_for_its_vendor_alone(self, service: str) -> None:
        speaks_to_stripe = service in {"billing", "payouts"}
        assert allowed(ours(service, "api"), STRIPE, HTTPS) == speaks_to_stripe
        assert allowed(ours(service, "worker"), STRIPE, HTTPS) == (speaks_to_stripe or service == "routing")
        assert allowed(ours(service, "worker"), STRIPE, SMTPS) == (service == "notifications")
        assert not allowed(ours(service, "api"), STRIPE, SMTPS)
        assert not allowed(ours(service, "worker"), MACHINE_INSIDE, HTTPS)
        assert not allowed(ours(service, "migration"), STRIPE, HTTPS)

    def test_leaves_it_for_installers_webhooks_from_routings_workers_alone(self, service: str) -> None:
        reaching = [c for c in ("api", "worker") if allowed(ours(service, c), SOMEBODYS_SERVER, OTHER_HTTPS)]
        assert reaching == (["worker"] if service == "routing" else [])
        for inside in (MACHINE_INSIDE, *METADATA_OF_THE_CLOUD):
            assert not any(allowed(ours(service, "worker"), inside, port) for port in (HTTP, OTHER_HTTPS))


class TestTheTopicsJob:
    def test_reaches_the_broker_and_nothing_else(self) -> None:
        job = ours("topics", "topics")
        assert allowed(job, BROKER, KAFKA)
        assert not allowed(job, DATABASE, POSTGRESQL)
        assert not allowed(job, STRIPE, HTTPS)
