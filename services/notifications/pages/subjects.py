"""Where the activity leads from what operators changed in notifications, by the kind that the audit calls it."""

from collections.abc import Mapping

from chassis.console.doors import Door, at
from services.notifications.pages import email_health, messages, suppressions, tickets

DOORS: Mapping[str, Door] = {
    "message": at(messages.PATH + "/{}"),
    "sender_account": at(email_health.PATH + "/{}"),
    "suppression": at(suppressions.PATH + "/{}"),
    "ticket": at(tickets.PATH + "/{}"),
}
