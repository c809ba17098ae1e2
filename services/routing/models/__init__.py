"""Tables of routing. Their constraints carry what must never be otherwise, whatever a command does."""

from services.routing.models.assignments import Assignment
from services.routing.models.dispatches import (
    AutoDispatch,
    Decision,
    Dispatch,
    DispatchException,
    EarlyClosing,
    LeadContact,
)
from services.routing.models.installers import (
    CapWindow,
    Installer,
    TerritoryPostcode,
    TerritoryRange,
    TerritoryState,
    TurnTaken,
)
from services.routing.models.model import Model

__all__ = [
    "Assignment",
    "AutoDispatch",
    "CapWindow",
    "Decision",
    "Dispatch",
    "DispatchException",
    "EarlyClosing",
    "Installer",
    "LeadContact",
    "Model",
    "TerritoryPostcode",
    "TerritoryRange",
    "TerritoryState",
    "TurnTaken",
]
