"""The pre-flight checklist on an installer's page: what stands, what does not, and the door to its cure."""

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Section, Table
from chassis.console.wording import DASH
from services.routing.domain.preflight import Check, Cure, Group, told_ready
from services.routing.pages.installer_page import InstallerPage
from services.routing.queries.preflight import preflight

GROUPS = {Group.RECEIVE: "Receive leads", Group.BE_BILLED: "Be billed", Group.PAY: "Pay"}
DOORS = {
    Cure.STATUS: "Change status",
    Cure.ABSENCES: "End an absence",
    Cure.TERRITORY: "Set territory",
    Cure.PARTICULARS: "Edit its particulars",
    Cure.HOURS: "Set working hours",
    Cure.DELIVERY: "Close the breaker",
    Cure.WEBHOOK: "Send a test to its webhook",
    Cure.INVOICING: "Edit invoicing particulars",
    Cure.ACCOUNT: "Its account in billing",
}


async def checklist(page: InstallerPage) -> Section:
    found = await preflight(page.session, page.installer.id, page.now)
    missing = [check for check in found if not check.passed]
    stands = ", ".join(check.name[:1].lower() + check.name[1:] for check in found if check.passed)
    return Table(
        "Ready for leads" if not missing else f"Not ready for leads: {told_ready(len(missing))}",
        (("To", Kind.TEXT), ("Does not stand", Kind.TEXT), ("Why not", Kind.TEXT), ("Cure", Kind.TEXT)),
        [_row(page, check) for check in missing],
        empty=f"It can receive leads, be billed for them and pay: all {len(found)} points stand.",
        note=f"{len(found) - len(missing)} of {len(found)} points stand: {stands}." if missing else "",
    )


def _row(page: InstallerPage, check: Check) -> tuple[Shown | str, ...]:
    door = DOORS.get(check.cure)
    cure = Shown(door, path=_path(page, check.cure)) if door else DASH
    return GROUPS[check.group], check.name, check.why, cure


def _path(page: InstallerPage, cure: Cure) -> str:
    if cure is Cure.ACCOUNT:
        return page.console.addresses.url("billing", f"/console/accounts/{page.installer.id}")
    return f"#do-{cure}"
