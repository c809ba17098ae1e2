"""What an installer's page offers to do with it, each with what it says before it is sent."""

from chassis.console.actions import Action, WhyNot, refused
from chassis.console.fields import FieldKind, FormField
from chassis.console.wording import words
from contracts.identity import Capability
from services.routing.domain.pausing import actions_on
from services.routing.pages.installer_deeds import EFFECTS, WRITE, cap_fields
from services.routing.pages.installer_forms import contact_fields, invoicing_fields, territory_field
from services.routing.pages.installer_page import InstallerPage
from services.routing.pages.reasons import REASON, WHY


async def change_status(page: InstallerPage) -> Action:
    actions = actions_on(page.installer.status)
    options = [(action.status.value, words(action)) for action in actions]
    return Action(
        "status",
        "Change status",
        f"{page.path}/status",
        effect=" ".join(f"{words(action)}: it {EFFECTS[action]}." for action in actions),
        fields=(FormField("status", "Status", FieldKind.CHOICE, is_required=True, options=options), REASON),
        hidden={"seen": page.seen},
        done="Its status is changed",
        **_can(page),
    )


async def set_caps(page: InstallerPage) -> Action:
    return Action(
        "caps",
        "Set caps",
        f"{page.path}/caps",
        effect="Replaces all three, from now on. What was taken in a window stays taken: below it nothing more "
        "is given until the window ends.",
        fields=(*cap_fields(page.installer.limits), WHY),
        hidden={"seen": page.seen},
        done="Its caps are set",
        **_can(page),
    )


async def set_territory(page: InstallerPage) -> Action:
    return Action(
        "territory",
        "Set territory",
        f"{page.path}/territory",
        effect="Replaces it as a whole. Leads that are given already stay where they are.",
        fields=(territory_field(page.territory), WHY),
        hidden={"seen": page.seen},
        done="Its territory is set",
        **_can(page),
    )


async def edit_contacts(page: InstallerPage) -> Action:
    return Action(
        "contacts",
        "Edit e-mail, phone and services",
        f"{page.path}/contacts",
        effect="Leads go to the new e-mail from the next one on. Another time zone moves its cap windows, and "
        "what was taken moves with them.",
        fields=(*contact_fields(page.installer), WHY),
        hidden={"seen": page.seen},
        done="Its particulars are changed",
        **_can(page),
    )


async def edit_invoicing(page: InstallerPage) -> Action:
    return Action(
        "invoicing",
        "Edit invoicing particulars",
        f"{page.path}/invoicing",
        effect="Stands on invoices that are issued from now on; those that are issued stay as they are.",
        fields=(*invoicing_fields(page.installer), WHY),
        hidden={"seen": page.seen},
        done="Its invoicing particulars are changed",
        **_can(page, Capability.MANAGE_BILLING_OPS),
    )


def _can(page: InstallerPage, capability: Capability = WRITE) -> WhyNot:
    return refused(page.operator, capability)
