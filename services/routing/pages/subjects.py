"""Where the activity leads from what operators changed in routing, by the kind that the audit calls it."""

from collections.abc import Mapping

from chassis.console.doors import LIST, Door, at, named
from services.routing.pages import coverage, simulations
from services.routing.pages.telling import ASSIGNMENTS, AUTO_DISPATCH, DISPATCHES, EXCEPTIONS, INSTALLERS, POLICIES

DOORS: Mapping[str, Door] = {
    "assignment": at(ASSIGNMENTS + "/{}"),
    "auto_dispatch": at(AUTO_DISPATCH),
    "dispatch_exception": at(EXCEPTIONS + "/{}"),
    "installer": at(INSTALLERS + "/{}"),
    # What was decided about it; its own page is intake's.
    "lead": at(DISPATCHES + "/{}"),
    "routing_policy": at(POLICIES + "/{}"),
    "simulation": at(simulations.PATH + "/{}"),
    LIST: named({"coverage": coverage.PATH}),
}
