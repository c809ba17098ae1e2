"""Certificates as they were given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.billing.domain.certificate import Offender, Outcome, Statement, Verdict
from services.billing.domain.signing import Signature
from services.billing.errors import CertificateNotFound
from services.billing.models import Certificate, CertifiedEquality, CertifiedOffender


@dataclass(frozen=True, slots=True)
class KeptCertificate:
    certificate: Certificate
    verdicts: tuple[Verdict, ...]

    @property
    def statement(self) -> Statement:
        """What was signed, out of the rows that are kept."""
        kept = self.certificate
        return Statement(kept.id, kept.as_of, kept.taken_at, kept.taken_by_name, self.verdicts)

    @property
    def signature(self) -> Signature | None:
        kept = self.certificate
        if kept.key_id is None or kept.signature is None:
            return None
        return Signature(kept.key_id, kept.signature)


async def page_of(session: AsyncSession, page: PageRequest) -> Sequence[Certificate]:
    """Newest first."""
    query = page.apply(select(Certificate), Certificate.taken_at, Certificate.id)
    return (await session.scalars(query)).all()


async def last(session: AsyncSession) -> Certificate | None:
    query = select(Certificate).order_by(Certificate.taken_at.desc(), Certificate.id.desc()).limit(1)
    found: Certificate | None = await session.scalar(query)
    return found


async def of_night(session: AsyncSession, due_at: datetime) -> Certificate | None:
    found: Certificate | None = await session.scalar(select(Certificate).where(Certificate.due_at == due_at))
    return found


async def find(session: AsyncSession, certificate_id: UUID) -> KeptCertificate:
    certificate = CertificateNotFound.unless(
        await session.get(Certificate, certificate_id), "there is no such certificate", certificate_id=certificate_id
    )
    equalities = select(CertifiedEquality).where(CertifiedEquality.certificate_id == certificate_id)
    offenders = await _offenders(session, certificate_id)
    verdicts = tuple(
        Verdict(
            row.name,
            row.unit,
            row.left_sum,
            row.right_sum,
            row.compared_count,
            row.offender_count,
            tuple(offenders.get(row.name, ())),
            is_compared=row.outcome is not Outcome.NOT_COMPARED,
        )
        for row in await session.scalars(equalities.order_by(CertifiedEquality.place))
    )
    return KeptCertificate(certificate, verdicts)


async def _offenders(session: AsyncSession, certificate_id: UUID) -> dict[str, list[Offender]]:
    query = (
        select(CertifiedOffender)
        .where(CertifiedOffender.certificate_id == certificate_id)
        .order_by(CertifiedOffender.name, CertifiedOffender.place)
    )
    found: dict[str, list[Offender]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.name, []).append(Offender(row.key, row.left_side, row.right_side))
    return found


async def verdict_of(session: AsyncSession, certificate_id: UUID, name: str) -> tuple[KeptCertificate, Verdict]:
    kept = await find(session, certificate_id)
    verdict = next((verdict for verdict in kept.verdicts if verdict.name == name), None)
    found = CertificateNotFound.unless(
        verdict, "the certificate has no such equality", certificate_id=certificate_id, name=name
    )
    return kept, found
