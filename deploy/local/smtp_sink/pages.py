"""The HTTP side: the mailbox as JSON and as a page, and the control routes."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from litestar import Litestar, Response, delete, get, post, put
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from pydantic import BaseModel

from deploy.local.smtp_sink.faults import Fault
from deploy.local.smtp_sink.mailbox import Mail, Mailbox
from deploy.local.smtp_sink.server import SmtpSink

TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True)
# A mail is somebody else's HTML: it is shown in a frame without rights, and the page itself runs no script.
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'"}
SHOWN = 200


class Listening(BaseModel):
    listening: bool


class Account(BaseModel):
    password: str


def mailbox_app(sink: SmtpSink) -> Litestar:
    return Litestar(
        [
            *(show_mailbox, show_mail),
            *(list_messages, read_message, read_raw, read_attachment, empty),
            *(order_fault, list_faults, clear_faults, set_listening, set_account, remove_account),
            is_ready,
        ],
        state=State({"sink": sink}),
        openapi_config=None,
        logging_config=None,
    )


def _mailbox(state: State) -> Mailbox:
    sink: SmtpSink = state["sink"]
    return sink.mailbox


def _mail(state: State, mail_id: int) -> Mail:
    mail = _mailbox(state).get(mail_id)
    if mail is None:
        raise NotFoundException(f"there is no message {mail_id}")
    return mail


def _page(template: str, **values: Any) -> Response[str]:
    return Response(TEMPLATES.get_template(template).render(**values), media_type="text/html", headers=HEADERS)


@get("/", sync_to_thread=False)
def show_mailbox(state: State, to: str | None = None, subject: str | None = None) -> Response[str]:
    found = _mailbox(state).find(to or None, subject or None)
    return _page("mailbox.html", mails=found[:SHOWN], total=len(found), to=to or "", subject=subject or "")


@get("/mails/{mail_id:int}", sync_to_thread=False)
def show_mail(state: State, mail_id: int) -> Response[str]:
    return _page("mail.html", mail=_mail(state, mail_id))


@get("/messages", sync_to_thread=False)
def list_messages(
    state: State, to: str | None = None, subject: str | None = None, limit: int = SHOWN
) -> dict[str, Any]:
    found = _mailbox(state).find(to, subject)
    return {"total": len(found), "messages": [summary(mail) for mail in found[:limit]]}


@get("/messages/{mail_id:int}", sync_to_thread=False)
def read_message(state: State, mail_id: int) -> dict[str, Any]:
    mail = _mail(state, mail_id)
    headers = [[name, str(value)] for name, value in mail.message.items()]
    return {**summary(mail), "headers": headers, "text": mail.text, "html": mail.html}


@get("/messages/{mail_id:int}/raw", sync_to_thread=False)
def read_raw(state: State, mail_id: int) -> Response[bytes]:
    return Response(_mail(state, mail_id).raw, media_type="message/rfc822")


@get("/messages/{mail_id:int}/attachments/{number:int}", sync_to_thread=False)
def read_attachment(state: State, mail_id: int, number: int) -> Response[bytes]:
    attachments = _mail(state, mail_id).attachments
    if not 0 <= number < len(attachments):
        raise NotFoundException(f"message {mail_id} has {len(attachments)} attachments")
    found = attachments[number]
    # A PDF may be looked at; anything else would run in the mailbox's own origin.
    shown = "inline" if found.content_type == "application/pdf" else "attachment"
    headers = {"Content-Disposition": shown, "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.content_type, headers=headers)


@delete("/messages", sync_to_thread=False)
def empty(state: State) -> None:
    _mailbox(state).clear()


@post("/control/faults", sync_to_thread=False)
def order_fault(state: State, data: Fault) -> Fault:
    state["sink"].faults.order(data)
    return data


@get("/control/faults", sync_to_thread=False)
def list_faults(state: State) -> list[Fault]:
    return list(state["sink"].faults.ordered)


@delete("/control/faults", sync_to_thread=False)
def clear_faults(state: State) -> None:
    state["sink"].faults.clear()


@put("/control/listening")
async def set_listening(state: State, data: Listening) -> Listening:
    sink: SmtpSink = state["sink"]
    await (sink.listen() if data.listening else sink.stop_listening())
    return data


@put("/control/accounts/{user:str}", sync_to_thread=False)
def set_account(state: State, user: str, data: Account) -> None:
    state["sink"].accounts[user] = data.password


@delete("/control/accounts/{user:str}", sync_to_thread=False)
def remove_account(state: State, user: str) -> None:
    state["sink"].accounts.pop(user, None)


@get("/health/ready", sync_to_thread=False)
def is_ready(state: State) -> dict[str, str]:
    sink: SmtpSink = state["sink"]
    return {"smtp_url": sink.url}


def summary(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "received_at": mail.received_at.isoformat(),
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "message_id": mail.message["message-id"],
        "account": mail.account,
        "attachments": [
            {"name": found.name, "content_type": found.content_type, "bytes": len(found.content)}
            for found in mail.attachments
        ],
    }
