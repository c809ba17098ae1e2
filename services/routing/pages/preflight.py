"""The pre-flight checklist on an installer's page: what stands, what does not, and the door to its cure."""

from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Section, Table
from chassis.console.wording import DASH, counted
from services.routing.domain.preflight import Check, Cure, Group
from services.routing.pages.installer_page import InstallerPage
from services.routing.queries.preflight import preflight

GROUPS = {Group.RECEIVE: "Receive leads", Group.BE_BILLED: "Be billed", Group.PAY: "Pay"}
DOORS = {
    Cure.STATUS: "Change status",
    Cure.ABSENCES: "End an absence",
    Cure.TERRITORY: "Set territory",
    Cure.PARTICULARS: "Edit its particulars",
    Cure.HOURS: "Set working hours",
    Cure.INVOICING: "Edit invoicing particulars",
    Cure.ACCOUNT: "Its account in billing",
}


async def checklist(page: InstallerPage) -> Section:
    found = await preflight(page.session, page.installer.id, page.now)
    missing = [check for check in found if not check.passed]
    title = "Ready for leads" if not missing else f"Not ready: {counted(len(missing), 'point', 'points')} to do"
    return Table(
        title,
        (
            ("To", Kind.TEXT),
            ("What must stand", Kind.TEXT),
            ("Stands", Kind.CHIP),
            ("Why not", Kind.TEXT),
            ("Cure", Kind.TEXT),
        ),
        [_row(page, check) for check in sorted(found, key=lambda check: check.passed)],
    )


def _row(page: InstallerPage, check: Check) -> tuple[Shown | str, ...]:
    stands = chip("Yes", "positive") if check.passed else chip("No", "warning")
    if check.passed:
        return GROUPS[check.group], check.name, stands, DASH, DASH
    door = DOORS.get(check.cure)
    cure = Shown(door, path=_path(page, check.cure)) if door else DASH
    return GROUPS[check.group], check.name, stands, check.why, cure


def _path(page: InstallerPage, cure: Cure) -> str:
    if cure is Cure.ACCOUNT:
        return page.console.addresses.url("billing", f"/console/accounts/{page.installer.id}")
    return f"#do-{cure}"
