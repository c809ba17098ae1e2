"""What narrows lists of leads, and of follow-ups by their leads: dependencies of their routes."""

from typing import Annotated, Literal
from uuid import UUID

from litestar.params import FromQuery, QueryParameter

from chassis.clock import Clock
from chassis.http import AwareInstant, Given, Operator
from contracts.forms import LONGEST_SERVICE
from contracts.values import AustralianState, SelectedPath
from services.intake.domain import CloseReason, LeadStatus
from services.intake.queries import LeadFilters, Owned

Finance = Annotated[
    Literal["held", "billable", "credited", "void", "none"] | None,
    QueryParameter(description="a delivery of it is that with billing; `none` where billing has none"),
]
Attention = Annotated[
    Literal["critical", "snoozed"] | None, QueryParameter(description="what is that now, and not over")
]
# Litestar keeps the name `state` for itself.
InState = Annotated[AustralianState | None, QueryParameter(name="state")]
TurnedOut = Annotated[
    Literal["duplicate", "returned", "delivered", "undelivered"] | None,
    QueryParameter(description="another lead once more, given back by any installer, ever with one or never"),
]
Typed = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=200,
        description="words that each stand in its name, e-mail, phone, address or submission key, or in those of "
        "leads that were merged into it",
    ),
]
Late = Annotated[
    bool,
    QueryParameter(
        description="what is longer what it is than it may be, or waits for longer since its receipt (`late_from`)"
    ),
]
Postcode = Annotated[str | None, QueryParameter(pattern="^[0-9]{4}$", max_length=4)]
Suburb = Annotated[str | None, QueryParameter(max_length=100, description="in any case")]
Service = Annotated[str | None, QueryParameter(max_length=LONGEST_SERVICE)]
Statuses = Annotated[
    list[LeadStatus] | None,
    QueryParameter(description="any of those that are named, each by a parameter of its own"),
]
Path = Annotated[SelectedPath | None, QueryParameter(description="the selected path")]
ReceivedTo = Annotated[AwareInstant | None, QueryParameter(description="exclusive")]


def owned_by(
    operator: Given[Operator],
    owner_id: FromQuery[UUID | None] = None,
    owner: Annotated[
        Literal["mine", "unowned"] | None,
        QueryParameter(description="`mine` are those of who asks; `unowned` what nobody has and somebody must do"),
    ] = None,
) -> Owned:
    return Owned(owner_id, operator.id if owner == "mine" else None, owner == "unowned")


def filters_of(
    clock: Given[Clock],
    owned: Given[Owned],
    status: Statuses = None,
    path: Path = None,
    in_state: InState = None,
    postcode: Postcode = None,
    suburb: Suburb = None,
    source_id: FromQuery[UUID | None] = None,
    received_from: FromQuery[AwareInstant | None] = None,
    received_to: ReceivedTo = None,
    service: Service = None,
    finance: Finance = None,
    late: Late = False,
    attention: Attention = None,
    turned_out: TurnedOut = None,
    close_reason: FromQuery[CloseReason | None] = None,
    q: Typed = None,
) -> LeadFilters:
    """Of the list of leads."""
    now = clock.now()
    return LeadFilters(
        statuses=frozenset(status or ()),
        selected_path=path,
        state=in_state,
        postcode=postcode,
        suburb=suburb,
        source_id=source_id,
        received_from=received_from,
        received_to=received_to,
        service=service,
        finance=finance,
        late_at=now if late else None,
        typed=q,
        owned=owned,
        is_critical=attention == "critical",
        snoozed_at=now if attention == "snoozed" else None,
        close_reason=close_reason,
        turned_out=turned_out,
    )


def filters_of_their_leads(
    lead_status: Statuses = None,
    path: Path = None,
    region: Annotated[AustralianState | None, QueryParameter(name="in", description="the state of the lead")] = None,
    postcode: Postcode = None,
    suburb: Suburb = None,
    source_id: FromQuery[UUID | None] = None,
    received_from: FromQuery[AwareInstant | None] = None,
    received_to: ReceivedTo = None,
    service: Service = None,
    finance: Finance = None,
) -> LeadFilters:
    """Of the list of follow-ups, whose own state goes by the name that a lead's has in its list."""
    return LeadFilters(
        statuses=frozenset(lead_status or ()),
        selected_path=path,
        state=region,
        postcode=postcode,
        suburb=suburb,
        source_id=source_id,
        received_from=received_from,
        received_to=received_to,
        service=service,
        finance=finance,
    )
