"""Rates of a scorecard: each None where nothing was to be counted, which is no good rate and no bad one."""

from dataclasses import dataclass

from services.routing.domain.ordering import LEAD_PPM

QUICK_MINUTES = 5
"""The field's benchmark: who is called within five minutes is far likelier to answer."""


@dataclass(frozen=True, slots=True)
class Score:
    """`entitled_leads` is the share that was due by the policy, and `share_rate` what was got of it.

    `trend` compares with as many days before.
    """

    delivered: int
    accept_rate: float | None
    return_rate: float | None
    deliver_seconds: int | None
    quick_rate: float | None
    chosen: int
    entitled_leads: float
    share_rate: float | None
    trend: float | None


def score(  # the sums of a scorecard, by name
    *,
    sent: int,
    failed: int,
    returned: int,
    deliver_seconds_sum: int,
    within_5_min: int,
    chosen: int,
    entitled_ppm: int,
    before: int,
) -> Score:
    delivered = sent + returned
    return Score(
        delivered=delivered,
        accept_rate=rate(delivered, delivered + failed),
        return_rate=rate(returned, delivered),
        deliver_seconds=deliver_seconds_sum // delivered if delivered else None,
        quick_rate=rate(within_5_min, delivered),
        chosen=chosen,
        entitled_leads=entitled_ppm / LEAD_PPM,
        share_rate=rate(chosen * LEAD_PPM, entitled_ppm),
        trend=(delivered - before) / before if before else None,
    )


def rate(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None
