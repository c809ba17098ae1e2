"""Keeping a certificate: what was found in one snapshot is written down once, signed, and told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from contracts.books import BooksCertified
from services.billing.domain.certificate import Outcome, Statement, Verdict, failed
from services.billing.domain.signing import Signer
from services.billing.models import Certificate, CertifiedEquality, CertifiedOffender
from services.billing.queries import certificates

FIRST_VERSION = 1


@dataclass(frozen=True, slots=True)
class KeepCertificate:
    """`due_at` is the night's that it is for: another one for the same night is not kept."""

    as_of: datetime
    verdicts: tuple[Verdict, ...]
    by: Actor
    due_at: datetime | None = None


async def keep_certificate(
    session: AsyncSession, command: KeepCertificate, signer: Signer | None, now: datetime
) -> Certificate:
    known = await certificates.of_night(session, command.due_at) if command.due_at is not None else None
    if known is not None:
        return known
    statement = Statement(new_id(), command.as_of, now, command.by.name, command.verdicts)
    certificate = _row(statement, command, signer)
    session.add(certificate)
    await session.flush()
    await _write_verdicts(session, statement)
    outbox.add(session, _event(certificate, command.verdicts), version=FIRST_VERSION)
    await audit.record(
        session,
        actor=command.by,
        action="certify_books",
        subject=Subject("certificate", certificate.id),
        after={"failed": list(failed(command.verdicts)), "sha256": certificate.sha256},
    )
    return certificate


def _row(statement: Statement, command: KeepCertificate, signer: Signer | None) -> Certificate:
    signature = signer.sign(statement) if signer is not None else None
    outcomes = [verdict.outcome for verdict in statement.verdicts]
    return Certificate(
        id=statement.certificate_id,
        as_of=statement.as_of,
        due_at=command.due_at,
        taken_at=statement.taken_at,
        taken_by_id=command.by.id,
        taken_by_name=statement.taken_by_name,
        equality_count=len(outcomes),
        failed_count=outcomes.count(Outcome.FAILS),
        not_compared_count=outcomes.count(Outcome.NOT_COMPARED),
        sha256=statement.sha256,
        key_id=signature.key_id if signature else None,
        signature=signature.signed if signature else None,
    )


async def _write_verdicts(session: AsyncSession, statement: Statement) -> None:
    id_ = statement.certificate_id
    await session.execute(
        insert(CertifiedEquality),
        [
            {
                "certificate_id": id_,
                "name": verdict.name,
                "place": place,
                "unit": verdict.unit,
                "left_sum": verdict.left,
                "right_sum": verdict.right,
                "compared_count": verdict.compared_count,
                "offender_count": verdict.offender_count,
                "outcome": verdict.outcome,
            }
            for place, verdict in enumerate(statement.verdicts, start=1)
        ],
    )
    offenders = [
        {
            "certificate_id": id_,
            "name": verdict.name,
            "place": place,
            "key": offender.key,
            "left_side": offender.left,
            "right_side": offender.right,
        }
        for verdict in statement.verdicts
        for place, offender in enumerate(verdict.offenders, start=1)
    ]
    if offenders:
        await session.execute(insert(CertifiedOffender), offenders)


def _event(certificate: Certificate, verdicts: Sequence[Verdict]) -> BooksCertified:
    return BooksCertified(
        subject_id=certificate.id,
        as_of=certificate.as_of,
        equality_count=certificate.equality_count,
        failed=failed(verdicts),
        is_signed=certificate.signature is not None,
        certified_at=certificate.taken_at,
    )
