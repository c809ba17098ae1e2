"""How amounts, times, telephone numbers and codes are written in a mail. Australian English."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

_MOBILE = re.compile(r"\+61(4\d\d)(\d{3})(\d{3})")
_LANDLINE = re.compile(r"\+61([2378])(\d{4})(\d{4})")


def money(cents: int) -> str:
    """`$1,234.50`; a true minus before what is negative."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'−' if cents < 0 else ''}${whole:,}.{rest:02d}"  # noqa: RUF001  # the minus sign is meant


def phone(e164: str) -> str:
    """As Australians write it; a number of another form stays as it is."""
    if match := _MOBILE.fullmatch(e164):
        return "0{} {} {}".format(*match.groups())
    if match := _LANDLINE.fullmatch(e164):
        return "(0{}) {} {}".format(*match.groups())
    return e164


def words(code: str) -> str:
    """`solar-battery` as `Solar battery`."""
    spaced = " ".join(re.split(r"[-_.\s]+", code)).strip()
    return spaced[:1].upper() + spaced[1:]


def web_address(url: str | None) -> str | None:
    """None for whatever is no web address: nothing else may become a link."""
    return url if url is not None and re.match(r"https?://[^\s\"'<>]+$", url) else None


def mail_link(address: str) -> str:
    """What may follow `mailto:`: a question mark or an ampersand would add headers."""
    return quote(address, safe="@.+-_")


def paragraphs(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if part.strip()]


def line_breaks(text: str) -> Markup:
    """Escaped, with its line breaks kept."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())


def reference(id_: str) -> str:
    """The short form of an id that people read out: its last eight digits, which are random in a UUIDv7."""
    return id_.replace("-", "")[-8:].upper()


def filters(zone: ZoneInfo) -> Mapping[str, Callable[..., Any]]:
    def local(instant: str) -> datetime:
        return datetime.fromisoformat(instant).astimezone(zone)

    def day(instant: str) -> str:
        """`8 April 2026`, in the business time zone."""
        return f"{local(instant):%-d %B %Y}"

    def calendar_day(written: str) -> str:
        """A day as it is, in no zone: `8 April 2026`."""
        return f"{date.fromisoformat(written):%-d %B %Y}"

    def moment(instant: str) -> str:
        """`8 April 2026, 9:05 am AEST`"""
        at = local(instant)
        return f"{at:%-d %B %Y}, {at:%-I:%M} {at.strftime('%p').lower()} {at:%Z}"

    return {
        "money": money,
        "phone": phone,
        "words": words,
        "web_address": web_address,
        "mail_link": mail_link,
        "paragraphs": paragraphs,
        "line_breaks": line_breaks,
        "reference": reference,
        "day": day,
        "calendar_day": calendar_day,
        "moment": moment,
    }
