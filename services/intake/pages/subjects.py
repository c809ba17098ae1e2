"""Where the activity leads from what operators changed in intake, by the kind that the audit calls it."""

from collections.abc import Mapping

from chassis.console.doors import Door, at
from services.intake.pages import boards, clients, duplicate_settings, erasures, escalations, follow_ups, leads, sources

DOORS: Mapping[str, Door] = {
    "board": at(boards.PATH + "/{}"),
    "client": at(clients.PATH + "/{}"),
    # A consent is known by its lead's id, and shown with it.
    "consent": at(leads.PATH + "/{}"),
    "duplicate_settings": at(duplicate_settings.AT),
    "erasure": at(erasures.PATH + "/{}"),
    "escalation_policy": at(escalations.PATH + "/{}"),
    "follow_up": at(follow_ups.PATH + "/{}"),
    "lead": at(leads.PATH + "/{}"),
    "lead_source": at(sources.PATH + "/{}"),
}
