"""The mail server of the machine room, reached by the client that notifications uses."""

import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from deploy.local.child import Child, Program
from deploy.local.paths import free_port, is_listening
from deploy.local.smtp_sink.faults import Action, Fault, Stage
from deploy.local.smtp_sink.server import SmtpSink

SENDER, INSTALLER = "leads@waybill.example", "desk@sunny-solar.example"


def a_mail(to: str = INSTALLER, subject: str = "A lead for you in Glebe → today") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, to, subject
    mail.set_content("Rooftop, two storeys.\n")
    mail.add_alternative("<p>Rooftop, <b>two</b> storeys.</p>", subtype="html")
    mail.add_attachment(b"%PDF-1.7 ...", maintype="application", subtype="pdf", filename="lead.pdf")
    return mail


async def send(port: int, mail: EmailMessage, user: str | None = None, password: str | None = None) -> None:
    await aiosmtplib.send(
        mail, hostname="127.0.0.1", port=port, timeout=5, start_tls=False, username=user, password=password
    )


class TestAccept:
    async def test_keeps_a_mail_with_its_parts_and_its_bytes(self, smtp_sink: SmtpSink) -> None:
        await send(smtp_sink.port, a_mail())
        (kept,) = smtp_sink.mailbox
        assert (kept.sender, kept.recipients, kept.subject) == (SENDER, (INSTALLER,), "A lead for you in Glebe → today")
        assert kept.text == "Rooftop, two storeys.\n"
        assert "<b>two</b>" in (kept.html or "")
        assert [(found.name, found.content) for found in kept.attachments] == [("lead.pdf", b"%PDF-1.7 ...")]
        assert b"lead.pdf" in kept.raw

    async def test_finds_by_recipient_and_subject(self, smtp_sink: SmtpSink) -> None:
        await send(smtp_sink.port, a_mail("one@a.example", "Tax invoice WB-000001"))
        await send(smtp_sink.port, a_mail("two@a.example", "Receipt"))
        assert [mail.subject for mail in smtp_sink.mailbox.find(to="ONE@a.example")] == ["Tax invoice WB-000001"]
        assert [mail.subject for mail in smtp_sink.mailbox.find(subject="receipt")] == ["Receipt"]


class TestFaults:
    async def test_refuses_a_recipient_for_good(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE, recipient="gone@a.example"))
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(smtp_sink.port, a_mail("gone@a.example"))
        assert refused.value.recipients[0].code == 550
        await send(smtp_sink.port, a_mail("here@a.example"))
        assert len(smtp_sink.mailbox) == 1

    async def test_defers_a_domain_as_often_as_ordered(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.faults.order(Fault(action=Action.DEFER, recipient="@a.example", answer="452 4.2.2 Full", times=1))
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as deferred:
            await send(smtp_sink.port, a_mail("one@a.example"))
        assert deferred.value.recipients[0].code == 452
        await send(smtp_sink.port, a_mail("one@a.example"))
        assert len(smtp_sink.mailbox) == 1

    async def test_refuses_a_sender_and_a_content(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE, stage=Stage.MAIL, sender=SENDER, times=1))
        with pytest.raises(aiosmtplib.SMTPSenderRefused):
            await send(smtp_sink.port, a_mail())
        smtp_sink.faults.order(Fault(action=Action.REFUSE, stage=Stage.DATA, answer="554 5.7.1 Spam"))
        with pytest.raises(aiosmtplib.SMTPDataError, match="Spam"):
            await send(smtp_sink.port, a_mail())
        assert len(smtp_sink.mailbox) == 0

    async def test_is_slower_than_the_senders_patience(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.faults.order(Fault(action=Action.SLOW, stage=Stage.ACCEPTED, seconds=30))
        with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
            await aiosmtplib.send(a_mail(), hostname="127.0.0.1", port=smtp_sink.port, timeout=0.2, start_tls=False)
        assert len(smtp_sink.mailbox) == 1

    @pytest.mark.parametrize(("stage", "kept"), [(Stage.RCPT, 0), (Stage.DATA, 0), (Stage.ACCEPTED, 1)])
    async def test_hangs_up(self, smtp_sink: SmtpSink, stage: Stage, kept: int) -> None:
        smtp_sink.faults.order(Fault(action=Action.DROP, stage=stage))
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await send(smtp_sink.port, a_mail())
        assert len(smtp_sink.mailbox) == kept

    async def test_goes_away_and_comes_back_on_the_same_port(self, smtp_sink: SmtpSink) -> None:
        await smtp_sink.stop_listening()
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await send(smtp_sink.port, a_mail())
        await smtp_sink.listen()
        await send(smtp_sink.port, a_mail())
        assert len(smtp_sink.mailbox) == 1


class TestAccounts:
    async def test_wants_a_sign_in_where_there_are_accounts(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.accounts["leads"] = "right"
        with pytest.raises(aiosmtplib.SMTPSenderRefused):
            await send(smtp_sink.port, a_mail())
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await send(smtp_sink.port, a_mail(), user="leads", password="wrong")
        await send(smtp_sink.port, a_mail(), user="leads", password="right")
        assert [mail.account for mail in smtp_sink.mailbox] == ["leads"]


@pytest.fixture
def program(workroom: Path) -> Iterator[tuple[int, str]]:
    """The sink as the system runs it: its SMTP port and the address of its mailbox."""
    smtp_port, http_port = free_port(), free_port()
    ports = ["--smtp-port", str(smtp_port), "--http-port", str(http_port)]
    command = [sys.executable, "-m", "deploy.local.smtp_sink", *ports]
    child = Child(Program("smtp", command, ready=lambda: is_listening(http_port)), workroom / "smtp.log")
    child.start()
    child.wait_until_ready()
    yield smtp_port, f"http://127.0.0.1:{http_port}"
    child.stop()


class TestProgram:
    async def test_shows_over_http_what_came_over_smtp(self, program: tuple[int, str]) -> None:
        port, mailbox_url = program
        await send(port, a_mail(subject="<script>alert(1)</script>"))
        async with httpx.AsyncClient(base_url=mailbox_url) as client:
            listed = (await client.get("/messages", params={"to": INSTALLER})).json()
            assert listed["total"] == 1
            (message,) = listed["messages"]
            assert message["attachments"] == [{"name": "lead.pdf", "content_type": "application/pdf", "bytes": 12}]
            whole = (await client.get(f"/messages/{message['id']}")).json()
            assert whole["text"] == "Rooftop, two storeys.\n"
            raw = await client.get(f"/messages/{message['id']}/raw")
            assert raw.content.startswith(b"From:")
            assert (await client.get(f"/messages/{message['id']}/attachments/0")).content == b"%PDF-1.7 ..."
            for page in ("/", f"/mails/{message['id']}"):
                shown = await client.get(page)
                assert shown.status_code == 200
                assert "<script>" not in shown.text
            assert (await client.get("/messages/99")).status_code == 404
            assert (await client.get("/messages", params={"subject": "nothing"})).json()["total"] == 0

    async def test_takes_orders_over_http(self, program: tuple[int, str]) -> None:
        port, mailbox_url = program
        async with httpx.AsyncClient(base_url=mailbox_url) as client:
            fault = {"action": "refuse", "recipient": INSTALLER, "times": 1}
            assert (await client.post("/control/faults", json=fault)).status_code == 201
            assert (await client.post("/control/faults", json={"action": "explode"})).status_code == 400
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await send(port, a_mail())
            await client.put("/control/listening", json={"listening": False})
            with pytest.raises(aiosmtplib.SMTPConnectError):
                await send(port, a_mail())
            await client.put("/control/listening", json={"listening": True})
            await client.put("/control/accounts/leads", json={"password": "right"})
            await send(port, a_mail(), user="leads", password="right")
            assert (await client.get("/messages")).json()["messages"][0]["account"] == "leads"
            await client.delete("/messages")
            assert (await client.get("/messages")).json() == {"total": 0, "messages": []}
