"""Coverage taken along: every stretch of a view as a CSV, whether its page shows it or not."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Annotated

from litestar import Response
from litestar.params import JSONBody
from pydantic import Field

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Form, form_at
from chassis.console.lists.export import BOM, harmless
from chassis.console.lists.routes import CSV
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.forms import LONGEST_SERVICE
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.domain.coverage import Covered
from services.routing.pages.coverage import MANY, PATH, Asked, View, stretches
from services.routing.queries.coverage import Coverage, coverage

HEADS = ("state", "first", "last", "active", "installers", "leads", "not_placed")


class ExportForm(Form):
    """As the page was asked for it."""

    service: Annotated[str, Field(max_length=LONGEST_SERVICE)] = ""
    state: AustralianState | None = None
    view: View = View.WANTED
    more_than: Annotated[int, Field(ge=1, le=100)] = MANY


@form_at(f"{PATH}/export", Capability.READ_OPS)
async def export_coverage(
    data: JSONBody[ExportForm], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> Response[str]:
    """In the order of the page; the installers are those that do the service, of whatever status."""
    asked = Asked(data.service, data.state, data.view, data.more_than)
    async with database.transaction() as session:
        found = await coverage(session, asked.service, clock.now(), asked.states)
        after = data.model_dump(mode="json", exclude={"csrf"})
        subject = Subject("list", "coverage")
        await audit.record(session, actor=operator, action="export_list", subject=subject, after=after)
    headers = {"Content-Disposition": 'attachment; filename="coverage.csv"', "Cache-Control": "no-store"}
    lines = _lines(found, stretches(found, asked))
    return Response("".join(lines), media_type=CSV, headers=headers)


def _lines(found: Coverage, told: Iterable[Covered]) -> Iterator[str]:
    yield BOM + _line(HEADS)
    for each in told:
        names = "; ".join(known.name for known in found.of(each))
        place = (each.segment.state, each.segment.first, each.segment.last)
        yield _line((*place, found.active(each), harmless(names), each.leads, each.not_placed))


def _line(values: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


ROUTES = (export_coverage,)
