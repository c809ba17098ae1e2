"""Certifying the books: compared in one snapshot, kept in a transaction of its own, every night and by hand."""

from datetime import datetime

import structlog

from chassis.audit import Actor, System
from chassis.clock import Clock
from chassis.database import Database
from services.billing.commands.certificates import KeepCertificate, keep_certificate
from services.billing.domain.certificate import failed
from services.billing.domain.signing import Signer
from services.billing.models import Certificate
from services.billing.queries import books, certificates

log = structlog.get_logger(__name__)

SCHEDULE = System("schedule")


class Certifier:
    """Without a `signer` certificates are unsigned, and say so."""

    def __init__(self, database: Database, clock: Clock, signer: Signer | None) -> None:
        self._database = database
        self._clock = clock
        self.signer = signer

    async def certify(self, by: Actor, due_at: datetime | None = None) -> Certificate:
        as_of = self._clock.now()
        async with self._database.reading(isolation="repeatable read") as session:
            verdicts = await books.compare_all(session, as_of)
        command = KeepCertificate(as_of, verdicts, by, due_at)
        async with self._database.transaction() as session:
            certificate = await keep_certificate(session, command, self.signer, self._clock.now())
        wrong = failed(verdicts)
        level = log.error if wrong else log.info
        level("books_certified", certificate_id=str(certificate.id), failed=list(wrong))
        return certificate

    async def nightly(self, due_at: datetime) -> None:
        """Once for each night, however often it is begun."""
        async with self._database.reading() as session:
            known = await certificates.of_night(session, due_at)
        if known is None:
            await self.certify(SCHEDULE, due_at)
