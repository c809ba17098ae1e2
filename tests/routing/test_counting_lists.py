"""How many there are of a list is counted over its own table alone, unless what is asked for is about another."""

import re

import pytest

from chassis.console.lists.asking import read_query
from chassis.console.lists.declaration import Listing
from chassis.console.lists.reading import read_totals
from services.routing.pages import assignments, exceptions
from tests.routing.arrangements import FREMANTLE, NOW, SHARED, Floor, lead
from tests.routing.test_pages_lists import ZONE


@pytest.mark.parametrize(
    ("listing", "query", "count", "is_joined"),
    [
        (assignments.LISTING, "", 3, False),
        (assignments.LISTING, "status=pending&cap=reserved&stuck=true", 0, False),
        (assignments.LISTING, "status=pending&recent=true", 3, False),
        (assignments.LISTING, "q=Marrick", 3, True),
        (assignments.LISTING, "q=Fremantle", 0, True),
        (exceptions.LISTING, "", 1, False),
        (exceptions.LISTING, "state=open&owner=unowned", 1, False),
        (exceptions.LISTING, "q=Fremantle", 1, True),
        (exceptions.LISTING, "q=Marrick", 0, True),
    ],
)
async def test_counts(floor: Floor, listing: Listing, query: str, count: int, *, is_joined: bool) -> None:
    await floor.installers(3)
    await floor.dispatch(lead(SHARED), lead(location=FREMANTLE))
    with floor.statements() as sent:
        async with floor.database.reading() as session:
            totals = await read_totals(session, read_query(listing, query, ZONE), NOW)
    assert totals.count == count
    [counting] = [statement for statement in sent if "count_" in statement]
    assert bool(re.search(r"\bdispatches\b", counting)) is is_joined
