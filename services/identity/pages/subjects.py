"""Where the activity leads from what operators changed in identity, by the kind that the audit calls it."""

from collections.abc import Mapping

from chassis.console.doors import Door, at, nowhere
from services.identity.pages.operators import PATH as OPERATORS

DOORS: Mapping[str, Door] = {
    "operator": at(OPERATORS + "/{}"),
    # Sessions end and are forgotten: the entry itself names whose it was.
    "session": nowhere,
    "signing_key": nowhere,
}
