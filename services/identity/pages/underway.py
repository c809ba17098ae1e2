"""What a browser keeps of an enrolment between its steps: in a cookie that only identity can open."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from litestar import Request, Response
from litestar.response import Redirect

from chassis.console import Console
from services.identity.http.console import ENROL, ENROLMENT_COOKIE, cookie_of
from services.identity.security import Security

_LABEL = "enrolment-cookie"

R = TypeVar("R", bound=Response[Any])


@dataclass(frozen=True, slots=True)
class Underway:
    """`is_begun` once the password was given: only then is the secret shown, and shown again after a reload.

    Nobody but identity can write that, so who holds no more than an invitation cannot look at another's secret.
    `is_own` where somebody signed in replaces a second factor of theirs.
    """

    token: str = field(repr=False)
    is_begun: bool = False
    is_own: bool = False


def keep(answer: Redirect, underway: Underway, console: Console, security: Security) -> Redirect:
    plain = json.dumps([underway.token, underway.is_begun, underway.is_own]).encode()
    sealed = urlsafe_b64encode(security.vault.seal(plain, _LABEL)).decode()
    answer.cookies.append(cookie_of(console, ENROLMENT_COOKIE, sealed, ENROL))
    return answer


def forget(answer: R) -> R:
    answer.delete_cookie(ENROLMENT_COOKIE, path=ENROL)
    return answer


def underway_of(request: Request[Any, Any, Any], security: Security) -> Underway | None:
    """None too where it is none of ours, or of a key that was changed."""
    try:
        sealed = urlsafe_b64decode(request.cookies.get(ENROLMENT_COOKIE, ""))
        return Underway(*json.loads(security.vault.open(sealed, _LABEL)))
    except (ValueError, InvalidTag):
        return None
