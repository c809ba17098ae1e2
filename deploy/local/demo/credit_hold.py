"""An act of its own: finance puts an installer on credit hold, leads go past it, and the hold is lifted."""

from itertools import cycle, islice

from deploy.local.demo import leads
from deploy.local.demo.equality import Equality
from deploy.local.demo.people import PLACES
from deploy.local.demo.stage import Stage

ON_HOLD = "Bellarine Solar"
LEADS_PAST_IT = 6
GIVEN = "SELECT count(*) FROM assignments WHERE installer_id = $1"
KNOWN = "SELECT count(*) FROM installer_accounts WHERE installer_id = $1 AND credit_hold = $2"


async def hold_credit(stage: Stage) -> None:
    """Between the two, leads come in where it works."""
    id_ = stage.installers[ON_HOLD]
    await _set(stage, True, "Two invoices overdue, no answer by phone")
    before = await stage.reader.number("routing", GIVEN, id_)
    places = [place for place in PLACES if place.state == "VIC"]
    await leads.take_one_by_one(stage, list(islice(cycle(places), LEADS_PAST_IT)))
    await leads.watch_delivery(stage)
    stage.tally.given_on_hold = await stage.reader.number("routing", GIVEN, id_) - before
    await _set(stage, False, "Paid, with an apology")
    stage.tell(f"{ON_HOLD} was on credit hold: {stage.tally.given_on_hold} of {LEADS_PAST_IT} leads went to it")


async def _set(stage: Stage, held: bool, reason: str) -> None:
    id_ = stage.installers[ON_HOLD]
    await stage.finance.put("billing", f"/admin/accounts/{id_}/credit-hold", {"credit_hold": held, "reason": reason})

    async def unheard() -> dict[str, int]:
        heard = await stage.reader.number("routing", KNOWN, id_, held)
        return {} if heard else {"accounts to hear of": 1}

    await stage.reader.until("the hold at routing", unheard, leads.WAY_SECONDS)


async def equalities(stage: Stage) -> list[Equality]:
    holds = "SELECT count(*) FROM {} WHERE credit_hold"
    at_billing = await stage.reader.number("billing", holds.format("accounts"))
    at_routing = await stage.reader.number("routing", holds.format("installer_accounts"))
    return [
        Equality("leads given to whoever was on credit hold", stage.tally.given_on_hold, 0),
        Equality("accounts on credit hold, at billing and at routing", at_billing, at_routing),
    ]
