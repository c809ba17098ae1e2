"""What the control routes may lay hands on."""

from collections.abc import Iterable
from typing import Protocol

from deploy.local.stripe.errors import Json
from deploy.local.stripe.faults import FaultBook
from deploy.local.stripe.idempotency import KeyLedger
from deploy.local.stripe.world import World


class Machine(Protocol):
    world: World
    keys: KeyLedger
    faults: FaultBook

    @property
    def requests(self) -> Iterable[Json]: ...

    def clear(self) -> None: ...
