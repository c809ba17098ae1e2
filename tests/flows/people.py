"""People and firms that nobody is: whatever is told of them holds a word that stands nowhere else."""

import secrets
import string
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

MARK = "zqxv"
"""In every name, e-mail address and street that is sent in; not in one identifier, and in no log line."""
_numbers = count(1)


def marked() -> str:
    """A word with the mark, unlike all others, so that each place it comes to can be told apart."""
    return MARK.capitalize() + "".join(secrets.choice(string.ascii_lowercase) for _ in range(10))


_mobiles: list[str] = []


def _fictional_mobile() -> str:
    _mobiles.append(f"0491{570_000 + len(_mobiles):06d}")
    return _mobiles[-1]


def phones_sent_in() -> set[str]:
    """Every person's phone, in the forms that it is written in."""
    return {
        form for mobile in _mobiles for form in (mobile, f"61{mobile[1:]}", f"{mobile[:4]} {mobile[4:7]} {mobile[7:]}")
    }


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks for quotes. `phone` is as people write it, without spaces."""

    name: str = field(default_factory=lambda: f"{marked()} {marked()}")
    email: str = field(default_factory=lambda: f"{marked().lower()}@post.example")
    phone: str = field(default_factory=_fictional_mobile)
    street: str = field(default_factory=lambda: f"{next(_numbers)} {marked()} Street")

    @property
    def e164(self) -> str:
        return f"+61{self.phone[1:]}"


def submission(person: Person, service: str, **changes: Any) -> dict[str, Any]:
    """The body of `POST /leads`; a field given as None is left out."""
    body = {
        "client_submission_key": str(uuid4()),
        "selected_path": "recommended_installer",
        "service": service,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "address": {"street": person.street, "suburb": "Marrickville", "state": "NSW", "postcode": "2204"},
        "consent": {"text": "I agree to be contacted about my enquiry.", "url": "https://quotes.example/consent"},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def new_service() -> str:
    """A line of work that no other test's installers do, as `work-kqzj…`."""
    return "work-" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(10))
