"""An operator of the running system, made by identity's own command and signed in as a program signs in."""

import asyncio
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx
import pyotp

from contracts.identity import Role
from deploy.local import programs
from deploy.local.addresses import Addresses
from deploy.local.child import Child, Program
from deploy.local.paths import ROOT
from tests.flows.people import marked

FRESH_SECONDS = 240
"""A second factor is good for five minutes where it must be fresh, and a token for ten."""


@dataclass
class SignedIn:
    """Signs in anew before the second factor is too old: once for all who ask just then, as a code is good once."""

    url: str
    client: httpx.AsyncClient
    email: str
    password: str = field(repr=False)
    totp_secret: str = field(repr=False)
    secrets: set[str] = field(default_factory=set, repr=False)
    _token: str = field(default="", repr=False)
    _since: float = float("-inf")
    _signing_in: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def headers(self) -> dict[str, str]:
        async with self._signing_in:
            if monotonic() - self._since > FRESH_SECONDS:
                await self._sign_in()
        return {"Authorization": f"Bearer {self._token}"}

    async def _sign_in(self) -> None:
        began = monotonic()
        code = pyotp.TOTP(self.totp_secret).now()
        body = {"email": self.email, "password": self.password, "totp_code": code}
        answer = await self.client.post(f"{self.url}/sessions", json=body)
        assert answer.status_code == 201, answer.text
        session = answer.json()
        self._token, self._since = session["access_token"], began
        self.secrets |= {self._token, session["refresh_token"]}


async def create_and_sign_in(addresses: Addresses, client: httpx.AsyncClient, room: Path) -> SignedIn:
    """A super admin."""
    email, password, totp_secret = (
        f"{marked().lower()}@waybill.example",
        secrets.token_urlsafe(15),
        pyotp.random_base32(),
    )
    files = {"--password-file": room / "password", "--totp-secret-file": room / "totp"}
    files["--password-file"].write_text(password)
    files["--totp-secret-file"].write_text(totp_secret)
    await asyncio.to_thread(_create, addresses, room, email, [str(part) for pair in files.items() for part in pair])
    url = addresses.services["identity"]
    return SignedIn(url, client, email, password, totp_secret, secrets={password, totp_secret})


def _create(addresses: Addresses, room: Path, email: str, files: list[str]) -> None:
    identity = programs.service("identity", addresses)
    told = ["--email", email, "--name", f"{marked()} Field", "--role", Role.SUPER_ADMIN]
    command = [sys.executable, "-m", "services.identity", "create-operator", *told, *files]
    child = Child(Program("create-operator", command, environment=identity.environment, directory=ROOT), room / "log")
    child.start()
    child.wait_until_ended()
