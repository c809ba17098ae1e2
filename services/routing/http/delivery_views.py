"""How an installer gets its leads, as it is told and as it is set."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chassis.http import Body, Line
from chassis.outbound import LONGEST_URL
from services.routing.domain.delivering import DeliveryAction, held_back, obstacle_to
from services.routing.domain.states import BreakerState, Channel
from services.routing.domain.webhooks import Verdict
from services.routing.http.fields import Note
from services.routing.models import DeliveryEndpoint, Installer, WebhookTest

Url = Annotated[Line, StringConstraints(max_length=LONGEST_URL), Field(examples=["https://leads.example/waybill"])]


class ChannelBody(Body):
    """`url` is for a webhook alone, https and on the open internet; left out, the one that it has stays."""

    channel: Channel
    url: Url | None = None
    reason: Note

    @model_validator(mode="after")
    def _an_address_is_a_webhooks(self) -> "ChannelBody":
        if self.channel is Channel.MAIL and self.url is not None:
            raise PydanticCustomError("url_not_wanted", "mail goes to the installer's e-mail address: give no url")
        return self


class RotateSecretBody(Body):
    reason: Note


class CloseBreakerBody(Body):
    channel: Channel
    reason: Note


class EndpointView(BaseModel):
    """`probe_at` is when one delivery is let through to try it, where the breaker is open."""

    channel: Channel
    url: str | None
    breaker: BreakerState
    failures_in_row: int
    opened_at: datetime | None
    probe_at: datetime | None
    last_accepted_at: datetime | None
    tested_at: datetime | None
    secret_generation: int
    previous_secret_until: datetime | None

    @classmethod
    def of(cls, endpoint: DeliveryEndpoint) -> "EndpointView":
        return cls(**{name: getattr(endpoint, name) for name in cls.model_fields})


class TestView(BaseModel):
    """`outcome` is null until a worker has sent it."""

    __test__ = False

    id: UUID
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    outcome: Verdict | None
    http_status: int | None
    reason_code: str | None
    duration_ms: int | None

    @classmethod
    def of(cls, test: WebhookTest) -> "TestView":
        return cls(**{name: getattr(test, name) for name in cls.model_fields})


class DeliveryView(BaseModel):
    """`on_their_way` counts the leads that are neither delivered nor failed yet, by channel."""

    installer_id: UUID
    channel: Channel
    endpoints: list[EndpointView]
    on_their_way: dict[Channel, int]
    last_test: TestView | None
    available_actions: list[DeliveryAction]

    @classmethod
    def of(
        cls,
        installer: Installer,
        endpoints: Mapping[Channel, DeliveryEndpoint],
        on_their_way: Mapping[Channel, int],
        last_test: WebhookTest | None,
    ) -> "DeliveryView":
        obstacles = obstacles_on(endpoints)
        return cls(
            installer_id=installer.id,
            channel=installer.channel,
            endpoints=[EndpointView.of(endpoints[channel]) for channel in Channel if channel in endpoints],
            on_their_way=dict(on_their_way),
            last_test=TestView.of(last_test) if last_test else None,
            available_actions=[action for action, obstacle in obstacles.items() if obstacle is None],
        )


class DeliverySet(DeliveryView):
    """`secret` is told in this answer alone, where it is new; it is kept nowhere."""

    secret: str | None


def obstacles_on(endpoints: Mapping[Channel, DeliveryEndpoint]) -> Mapping[DeliveryAction, str | None]:
    breakers = {channel: endpoint.breaker for channel, endpoint in endpoints.items()}
    channel = held_back(breakers) or Channel.MAIL
    return {
        action: obstacle_to(action, has_webhook=Channel.WEBHOOK in endpoints, breaker=breakers.get(channel))
        for action in DeliveryAction
    }
