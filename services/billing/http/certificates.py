"""Certificates of the books over HTTP: taken, read, looked into and verified."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, PathParameter
from pydantic import BaseModel, Field

from chassis.database import Database
from chassis.http import Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.certifying import Certifier
from services.billing.domain.certificate import Offender, Outcome, SignatureState, Unit, Verdict
from services.billing.domain.signing import verify
from services.billing.models import Certificate
from services.billing.queries import certificates
from services.billing.queries.books import ALL
from services.billing.queries.certificates import KeptCertificate
from services.billing.queries.equalities import About

PATH = "/admin/billing/certificates"
EqualityName = Annotated[str, PathParameter(max_length=60, pattern=r"^[a-z_]+$")]


class CertificateSummary(BaseModel):
    """`as_of` is the instant of the one snapshot that was looked at. `due_at`: the night's that it was taken for.

    `failed_count` equalities do not hold; `not_compared_count` could not be looked at: Stripe's without a key, or
    where no comparison began in the day before.
    """

    id: UUID
    as_of: datetime
    due_at: datetime | None
    taken_at: datetime
    taken_by_name: str
    equality_count: int
    failed_count: int
    not_compared_count: int
    sha256: str
    key_id: str | None = Field(description="of the key that signed it; null where it is unsigned")


class EqualityView(BaseModel):
    """`left` and `right` are summed over all rows; `offender_count` is of rows whose two sides differ."""

    name: str
    title: str
    unit: Unit
    outcome: Outcome
    left: int
    left_title: str
    right: int
    right_title: str
    compared_count: int
    offender_count: int

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        said = ALL[verdict.name]
        return cls(
            name=verdict.name,
            title=said.title,
            unit=verdict.unit,
            outcome=verdict.outcome,
            left=verdict.left,
            left_title=said.left,
            right=verdict.right,
            right_title=said.right,
            compared_count=verdict.compared_count,
            offender_count=verdict.offender_count,
        )


class CertificateView(CertificateSummary):
    equalities: list[EqualityView]

    @classmethod
    def of(cls, kept: KeptCertificate) -> Self:
        summary = CertificateSummary.model_validate(kept.certificate, from_attributes=True)
        return cls(**summary.model_dump(), equalities=[EqualityView.of(verdict) for verdict in kept.verdicts])


class OffenderView(BaseModel):
    """A row whose two sides differ; null is a side on which it is missing.

    `key` is an id, the number that is printed, or the source of a posting.
    """

    key: str
    left: int | None
    right: int | None

    @classmethod
    def of(cls, offender: Offender) -> Self:
        return cls(key=offender.key, left=offender.left, right=offender.right)


class EqualityDetail(EqualityView):
    """The rows that differ, the furthest apart first; a hundred at most are kept, and all are counted."""

    about: About
    offenders: list[OffenderView]


class Verification(BaseModel):
    """`text` is what was signed with Ed25519; whoever has the public key can check it without us.

    `other_key`: signed by a key that is not this deployment's. `altered`: what is kept is not what was certified.
    """

    state: SignatureState
    sha256: str
    key_id: str | None
    text: str
    signature_base64: str | None
    public_key_base64: str | None = Field(description="of the key of this deployment; null where it has none")


@get(PATH, guards=[requires(Capability.READ_OPS)])
async def list_certificates(database: Given[Database], page: Given[PageRequest]) -> Page[CertificateSummary]:
    """Newest first."""
    async with database.reading() as session:
        found = await certificates.page_of(session, page)
    return page.page(found, lambda row: (row.taken_at, row.id), _summary)


@post(PATH, status_code=201, guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def post_certificate(
    certifier: Given[Certifier], database: Given[Database], operator: Given[Operator]
) -> CertificateView:
    """Compares all of the books in one snapshot, and keeps what came of it. Changes nothing else."""
    certificate = await certifier.certify(operator)
    return await get_certificate.fn(certificate.id, database)  # type: ignore[no-any-return]


@get(PATH + "/{certificate_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_certificate(certificate_id: FromPath[UUID], database: Given[Database]) -> CertificateView:
    async with database.reading() as session:
        return CertificateView.of(await certificates.find(session, certificate_id))


@get(PATH + "/{certificate_id:uuid}/equalities/{name:str}", guards=[requires(Capability.READ_OPS)])
async def get_certified_equality(
    certificate_id: FromPath[UUID], name: EqualityName, database: Given[Database]
) -> EqualityDetail:
    """One equality, with the rows that do not hold."""
    async with database.reading() as session:
        _, verdict = await certificates.verdict_of(session, certificate_id, name)
    return EqualityDetail(
        **EqualityView.of(verdict).model_dump(),
        about=ALL[name].about,
        offenders=[OffenderView.of(offender) for offender in verdict.offenders],
    )


@get(PATH + "/{certificate_id:uuid}/verify", guards=[requires(Capability.READ_OPS)])
async def get_verification(
    certificate_id: FromPath[UUID], database: Given[Database], certifier: Given[Certifier]
) -> Verification:
    """Whether what is kept is what was certified, and by whose key."""
    async with database.reading() as session:
        kept = await certificates.find(session, certificate_id)
    statement, signature, signer = kept.statement, kept.signature, certifier.signer
    return Verification(
        state=verify(statement, kept.certificate.sha256, signature, signer),
        sha256=kept.certificate.sha256,
        key_id=kept.certificate.key_id,
        text=statement.text.decode(),
        signature_base64=_base64(signature.signed if signature else None),
        public_key_base64=_base64(signer.public_key if signer else None),
    )


def _summary(certificate: Certificate) -> CertificateSummary:
    return CertificateSummary.model_validate(certificate, from_attributes=True)


def _base64(content: bytes | None) -> str | None:
    return b64encode(content).decode() if content is not None else None


ROUTES = (list_certificates, post_certificate, get_certificate, get_certified_equality, get_verification)
