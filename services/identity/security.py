"""What every command of identity works with: its clock, its secrets and its patience."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.clock import Clock
from chassis.ids import new_id
from services.identity import one_time_codes
from services.identity.models import Operator
from services.identity.passwords import Passwords
from services.identity.sealing import Vault
from services.identity.settings import Settings


@dataclass(frozen=True, slots=True)
class Security:
    """`clock` is the machine's (in tests one that is moved), never the business clock."""

    settings: Settings
    clock: Clock
    vault: Vault
    passwords: Passwords
    nobodys_id: UUID = field(default_factory=new_id)
    nobodys_secret: str = field(default_factory=one_time_codes.new_secret)

    def now(self) -> datetime:
        return self.clock.now()

    def csrf_of(self, session_id: UUID) -> str:
        """What the forms of the session's pages carry: known to them, and to nobody who cannot read them."""
        return self.vault.mark(f"csrf:{session_id}").hex()

    def sealed_secret(self, secret: str, operator_id: UUID) -> bytes:
        return self.vault.seal(secret.encode(), _totp_label(operator_id))

    def opened_secret(self, sealed: bytes, operator_id: UUID) -> str:
        return self.vault.open(sealed, _totp_label(operator_id)).decode()

    def matching_step(self, sealed: bytes | None, operator_id: UUID, code: str) -> int | None:
        """The step whose code this is. Without a secret the same work is done, to no avail."""
        label = _totp_label(operator_id if sealed is not None else self.nobodys_id)
        opened = self.vault.open(sealed or self._nobodys_sealed(label), label).decode()
        step = one_time_codes.matching_step(opened, code, self.now())
        return step if sealed is not None else None

    def step_of(self, operator: Operator | None, code: str) -> int | None:
        """As `matching_step`, by the operator's own secret."""
        if operator is None:
            return self.matching_step(None, self.nobodys_id, code)
        return self.matching_step(operator.totp_secret, operator.id, code)

    def _nobodys_sealed(self, label: str) -> bytes:
        return self.vault.seal(self.nobodys_secret.encode(), label)


def security_of(settings: Settings, clock: Clock) -> Security:
    return Security(
        settings=settings,
        clock=clock,
        vault=Vault(settings.key_secret.get_secret_value()),
        passwords=Passwords(
            memory_kib=settings.argon2_memory_kib,
            passes=settings.argon2_passes,
            lanes=settings.argon2_lanes,
            threads=settings.password_threads,
        ),
    )


def _totp_label(operator_id: UUID) -> str:
    """The same for an enrolment and for the operator, so that a confirmed secret moves as it is."""
    return f"totp:{operator_id}"
