"""The sections of an installer's page: how full it is, where it works, what it got last."""

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact, Facts, Table
from services.routing.pages.installer_page import InstallerPage
from services.routing.pages.telling import ASSIGNMENT_TONES, ASSIGNMENTS, lead_title, told_limit, told_use
from services.routing.queries import assignments

LAST = 20


async def caps(page: InstallerPage) -> Table:
    heads = (
        ("Window", Kind.TEXT),
        ("Taken", Kind.TEXT),
        ("Cap", Kind.NUMBER),
        ("Delivered", Kind.NUMBER),
        ("On their way", Kind.NUMBER),
        ("Not deliverable", Kind.NUMBER),
        ("Begins anew", Kind.INSTANT),
    )
    rows = [
        (
            {"day": "Today", "week": "This week", "month": "This cycle"}[count.window.kind],
            told_use(count.taken, limit := page.installer.limits.of(count.window.kind)),
            told_limit(limit),
            Shown(count.used, Kind.NUMBER),
            Shown(count.reserved, Kind.NUMBER),
            Shown(count.failed, Kind.NUMBER),
            Shown(count.window.ends_at, Kind.INSTANT),
        )
        for count in page.usage
    ]
    note = f"By its own clock, {page.installer.time_zone}. Delivered leads whose place was released do not count."
    return Table("Caps and their use now", heads, rows, note=note)


async def territory(page: InstallerPage) -> Facts:
    ranges = ", ".join(f"{r.first}–{r.last}" for r in page.territory.ranges)  # noqa: RUF001  # as print has it
    return Facts(
        "Territory",
        [
            Fact("Whole states", Shown(", ".join(sorted(page.territory.states)))),
            Fact("Ranges of postcodes", Shown(ranges)),
            Fact("Single postcodes", Shown(", ".join(sorted(page.territory.postcodes)))),
        ],
    )


async def last_assignments(page: InstallerPage) -> Table:
    made = await assignments.last_of(page.session, page.installer.id, LAST)
    return Table(
        f"Last {LAST} assignments",
        (
            ("Lead", Kind.TEXT),
            ("Product", Kind.WORD),
            ("Status", Kind.CHIP),
            ("Cap", Kind.WORD),
            ("Given", Kind.AGO),
            ("Sent", Kind.AGO),
        ),
        [
            (
                Shown(lead_title(lead), path=f"{ASSIGNMENTS}/{each.id}"),
                Shown(each.product_type, Kind.WORD),
                Shown(each.status, Kind.CHIP, tones=ASSIGNMENT_TONES),
                Shown(each.cap_state, Kind.WORD),
                Shown(each.created_at, Kind.AGO),
                Shown(each.sent_at, Kind.AGO),
            )
            for each, lead in made
        ],
        empty="It has not got a lead yet.",
        more=("All of its assignments", f"{ASSIGNMENTS}?installer_id={page.installer.id}") if made else None,
    )
