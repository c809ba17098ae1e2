"""POST /leads as a good team writes it with FastAPI, pydantic and SQLAlchemy's ORM.

    DATABASE_URL_INTAKE=postgresql://… python -m benchmarks.workers.intake_fastapi --port 8000

It gives the guarantees of intake on intake's tables: the key is looked up and compared, the lead is one lead per source
and submission key for ever, with its consent in one commit before the answer.
"""

import argparse
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import phonenumbers
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, HttpUrl
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.workers.uvicorn_as_ours import serve
from chassis.ids import new_id
from contracts.values import AustralianState, SelectedPath
from services.intake.domain import LeadStatus
from services.intake.models import Consent, Lead, LeadSource, LeadSourceKey

engine = create_async_engine(os.environ["DATABASE_URL_INTAKE"].replace("postgresql://", "postgresql+asyncpg://"))
sessions = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer()


def e164(given: str) -> str:
    number = phonenumbers.parse(given, "AU")
    if not phonenumbers.is_valid_number(number):
        raise ValueError("is no valid telephone number")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


class AddressIn(BaseModel):
    street: str = Field(min_length=1, max_length=200)
    suburb: str = Field(min_length=1, max_length=100)
    state: AustralianState
    postcode: str = Field(pattern="^[0-9]{4}$")


class ConsentIn(BaseModel):
    text: str = Field(min_length=1, max_length=4000)
    url: HttpUrl


class LeadIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_submission_key: str = Field(pattern=r"^[\x21-\x7e]{1,200}$")
    selected_path: SelectedPath
    service: str = Field(pattern="^[a-z0-9]+(?:[-_][a-z0-9]+)*$", max_length=80)
    name: str = Field(min_length=1, max_length=200)
    email: EmailStr
    phone: Annotated[str, AfterValidator(e164)]
    address: AddressIn
    consent: ConsentIn

    def fingerprint(self) -> bytes:
        return sha256(self.model_dump_json().encode()).digest()


class LeadOut(BaseModel):
    id: UUID
    status: LeadStatus


async def get_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


async def get_source(session: Session, credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> UUID:
    token = credentials.credentials
    key = await session.get(LeadSourceKey, token[4:16])
    if key is None or not hmac.compare_digest(key.key_sha256, sha256(token.encode()).digest()):
        raise HTTPException(401)
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        raise HTTPException(401)
    source = await session.get(LeadSource, key.source_id)
    if source is None or source.revoked_at is not None:
        raise HTTPException(401)
    return source.id


async def submit_lead(
    body: LeadIn,
    request: Request,
    response: Response,
    session: Session,
    source_id: Annotated[UUID, Depends(get_source)],
) -> LeadOut:
    lead = _lead(body, source_id)
    session.add(lead)
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        return await _first_answer(session, source_id, body)
    peer = request.client.host if request.client else "unknown"
    session.add(
        Consent(
            lead_id=lead.id,
            text=body.consent.text,
            url=str(body.consent.url),
            remote_address=peer,
            given_at=lead.received_at,
        )
    )
    await session.commit()
    response.headers["Location"] = f"/leads/{lead.id}"
    return LeadOut(id=lead.id, status=lead.status)


app.add_api_route("/leads", submit_lead, methods=["POST"], status_code=202)


async def _first_answer(session: AsyncSession, source_id: UUID, body: LeadIn) -> LeadOut:
    first = await session.scalar(
        select(Lead).where(Lead.source_id == source_id, Lead.submission_key == body.client_submission_key)
    )
    if first is None or first.fingerprint != body.fingerprint():
        raise HTTPException(409)
    return LeadOut(id=first.id, status=first.accepted_as)


def _lead(body: LeadIn, source_id: UUID) -> Lead:
    now = datetime.now(UTC)
    return Lead(
        id=new_id(),
        source_id=source_id,
        submission_key=body.client_submission_key,
        fingerprint=body.fingerprint(),
        accepted_as=LeadStatus.RECEIVED,
        status=LeadStatus.RECEIVED,
        status_since=now,
        selected_path=body.selected_path,
        service=body.service,
        name=body.name,
        email=body.email,
        email_match=body.email.lower(),
        phone=body.phone,
        street=body.address.street,
        suburb=body.address.suburb,
        state=body.address.state,
        postcode=body.address.postcode,
        received_at=now,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers.intake_fastapi")
    parser.add_argument("--port", type=int, required=True)
    serve(app, parser.parse_args().port)
