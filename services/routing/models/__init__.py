"""Tables of routing. Their constraints carry what must never be otherwise, whatever a command does."""

from services.routing.models.absences import InstallerAbsence
from services.routing.models.assignments import Assignment
from services.routing.models.dispatches import (
    AutoDispatch,
    Decision,
    Dispatch,
    DispatchException,
    EarlyClosing,
    LeadContact,
)
from services.routing.models.endpoints import DeliveryEndpoint
from services.routing.models.installers import (
    CapWindow,
    Installer,
    TerritoryPostcode,
    TerritoryRange,
    TerritoryState,
    TurnTaken,
)
from services.routing.models.keys import LeadKey
from services.routing.models.links import LeadLink
from services.routing.models.model import Model
from services.routing.models.people import InstallerContact, InstallerNote
from services.routing.models.policies import RoutingPolicy
from services.routing.models.reference import InstallerAccount, KnownOperator, KnownPrice
from services.routing.models.returns import Return
from services.routing.models.scores import InstallerDay
from services.routing.models.sending import DeliveryLogEntry, WebhookAttempt, WebhookDelivery, WebhookTest
from services.routing.models.simulations import Simulation, SimulationRow
from services.routing.models.versions import InstallerVersion

__all__ = [
    "Assignment",
    "AutoDispatch",
    "CapWindow",
    "Decision",
    "DeliveryEndpoint",
    "DeliveryLogEntry",
    "Dispatch",
    "DispatchException",
    "EarlyClosing",
    "Installer",
    "InstallerAbsence",
    "InstallerAccount",
    "InstallerContact",
    "InstallerDay",
    "InstallerNote",
    "InstallerVersion",
    "KnownOperator",
    "KnownPrice",
    "LeadContact",
    "LeadKey",
    "LeadLink",
    "Model",
    "Return",
    "RoutingPolicy",
    "Simulation",
    "SimulationRow",
    "TerritoryPostcode",
    "TerritoryRange",
    "TerritoryState",
    "TurnTaken",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookTest",
]
