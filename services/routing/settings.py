"""The knobs of routing: what it keeps secret, and how it calls installers. What operators tune is data."""

from ipaddress import ip_network
from typing import Self

from pydantic import Field, IPvAnyNetwork, SecretStr, model_validator

from chassis.outbound import Limits, Network
from chassis.settings import ServiceSettings, database_url_field


class Settings(ServiceSettings):
    database_url: SecretStr = database_url_field("routing")
    simulation_tries: int = Field(
        2,
        ge=1,
        le=10,
        validation_alias="SIMULATION_TRIES",
        description="how often a simulation is begun before it is given up",
    )
    key_secret: SecretStr | None = Field(
        None,
        min_length=32,
        validation_alias="ROUTING_KEY_SECRET",
        description="the secrets of installers' webhooks are derived from it; without it none is set up nor sent",
    )
    webhook_timeout_seconds: float = Field(
        10, gt=0, validation_alias="WEBHOOK_TIMEOUT_SECONDS", description="one whole exchange with an installer"
    )
    webhook_connect_seconds: float = Field(3, gt=0, validation_alias="WEBHOOK_CONNECT_SECONDS")
    webhook_portion: int = Field(
        32, ge=1, validation_alias="WEBHOOK_PORTION", description="webhooks that one process has in hand at a time"
    )
    webhook_lease_seconds: float = Field(
        30,
        gt=0,
        validation_alias="WEBHOOK_LEASE_SECONDS",
        description="what a dead process had in hand is taken up after so long; longer than an exchange",
    )
    webhook_local_networks: tuple[IPvAnyNetwork, ...] = Field(
        (),
        validation_alias="WEBHOOK_LOCAL_NETWORKS",
        description="local mode only: JSON of networks to which webhooks are let through, by http as well",
    )

    @model_validator(mode="after")
    def _only_a_laptop_calls_itself(self) -> Self:
        if self.webhook_local_networks and not self.is_local:
            raise ValueError("WEBHOOK_LOCAL_NETWORKS is allowed with WAYBILL_ENVIRONMENT=local only")
        return self

    @model_validator(mode="after")
    def _a_lease_outlives_its_exchange(self) -> Self:
        if self.webhook_lease_seconds <= self.webhook_timeout_seconds:
            raise ValueError("WEBHOOK_LEASE_SECONDS must be more than WEBHOOK_TIMEOUT_SECONDS")
        return self

    @property
    def webhook_limits(self) -> Limits:
        return Limits(self.webhook_connect_seconds, self.webhook_timeout_seconds)

    @property
    def local_networks(self) -> tuple[Network, ...]:
        return tuple(ip_network(str(network)) for network in self.webhook_local_networks)
