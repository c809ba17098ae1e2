"""The rules of intake, pure: what a lead may say, what it may become, and who may hand it in."""

from services.intake.domain.boards import (
    BoardAction,
    BoardStatus,
    obstacle_to_board,
)
from services.intake.domain.content import (
    CONTROL,
    SUBMISSION_KEY,
    WEB_ADDRESS,
    LeadContent,
    email_match,
    fingerprint,
    one_line,
    part_of_phone,
    web_address,
)
from services.intake.domain.leads import (
    RESOLUTIONS_THAT_GO_ON,
    STAGE_LIMITS,
    TRANSITIONS,
    CloseReason,
    LeadAction,
    LeadOutcome,
    LeadStatus,
    followed,
    is_late,
    obstacle_to_lead,
    outcome_of,
    resolved_to,
)
from services.intake.domain.obstacles import (
    Obstacle,
)
from services.intake.domain.postcodes import (
    POSTCODE_RANGES,
    POSTCODES_OVER_THE_BORDER,
    check_postcode,
    states_of,
)
from services.intake.domain.sources import (
    API_KEY,
    PresentedKey,
    SourceAction,
    obstacle_to_source,
    presented_key,
)

__all__ = [
    "API_KEY",
    "CONTROL",
    "POSTCODES_OVER_THE_BORDER",
    "POSTCODE_RANGES",
    "RESOLUTIONS_THAT_GO_ON",
    "STAGE_LIMITS",
    "SUBMISSION_KEY",
    "TRANSITIONS",
    "WEB_ADDRESS",
    "BoardAction",
    "BoardStatus",
    "CloseReason",
    "LeadAction",
    "LeadContent",
    "LeadOutcome",
    "LeadStatus",
    "Obstacle",
    "PresentedKey",
    "SourceAction",
    "check_postcode",
    "email_match",
    "fingerprint",
    "followed",
    "is_late",
    "obstacle_to_board",
    "obstacle_to_lead",
    "obstacle_to_source",
    "one_line",
    "outcome_of",
    "part_of_phone",
    "presented_key",
    "resolved_to",
    "states_of",
    "web_address",
]
