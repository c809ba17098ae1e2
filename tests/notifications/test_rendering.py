"""What a mail is made of, byte for byte."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from services.notifications import corrections, drafts
from services.notifications.commands.alerts import AlertTerms, _draft
from services.notifications.commands.messages import Draft
from services.notifications.domain.purposes import MailPurpose
from services.notifications.rendering import House, Renderer
from tests.kit.records import TRACE, incoming
from tests.notifications.samples import (
    CONTACT,
    DOMAIN,
    NOW,
    PDF,
    SYDNEY,
    assignment_created,
    document_rendered,
    draft,
    exception_raised,
    invoice_sent,
    lead_corrected,
    payout_sent,
)

HOUSE = House("Waybill", "support@waybill.example", SYDNEY)
MESSAGE = UUID("0199a000-0000-7000-8000-0000000000aa")


@dataclass(frozen=True)
class Paper:
    """A message in hand, as the renderer sees it."""

    purpose: MailPurpose
    context: Mapping[str, Any]
    recipient_email: str = "leads@southernsun.example"
    recipient_name: str = "Southern Sun Solar"
    message_id: UUID = MESSAGE
    template_version: int = 1
    header_id: str = f"<{MESSAGE}@waybill.example>"
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    dated_at: datetime = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)
    document: Any = None
    traceparent: str | None = TRACE
    from_address: str = "no-reply@waybill.example"
    from_name: str = "Waybill"

    @property
    def template(self) -> str:
        return self.purpose.value


def paper(one: Draft, **changes: Any) -> Paper:
    return Paper(one.purpose, one.context, one.recipient_email, one.recipient_name, **changes)


def mail(one: Paper, house: House = HOUSE) -> EmailMessage:
    parsed = message_from_bytes(Renderer(house).letter(one).content, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def body(one: Paper, kind: str = "plain", house: House = HOUSE) -> str:
    part = mail(one, house).get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def lead(**changes: Any) -> Draft:
    return drafts.lead_delivery(incoming(assignment_created(**changes)))


def invoice(kind: str = "tax_invoice", **changes: Any) -> Draft:
    return drafts.invoice(incoming(invoice_sent(document_rendered(), **changes)), kind)


def alert(count: int = 1) -> Draft:
    troubles = [drafts.dispatch_exception(incoming(exception_raised())) for _ in range(count)]
    return _draft(drafts.DISPATCH_EXCEPTION, troubles, AlertTerms("ops@waybill.example", 0, DOMAIN, NOW), NOW)


def ticket_reply(text: str = "Hello,\n\nit is done.") -> Paper:
    context = {"subject": "Where is my invoice?", "body": text, "author": "Robin Field", "ticket_id": str(MESSAGE)}
    return Paper(MailPurpose.TICKET_REPLY, context)


class TestHeaders:
    def test_say_what_it_is_and_where_it_belongs(self) -> None:
        message = mail(paper(lead()))
        assert message["From"] == "Waybill <no-reply@waybill.example>"
        assert message["To"] == "Southern Sun Solar <leads@southernsun.example>"
        assert message["Message-ID"] == f"<{MESSAGE}@waybill.example>"
        assert message["X-Waybill-Message"] == str(MESSAGE)
        assert message["traceparent"] == TRACE
        assert message["Date"] == "Tue, 03 Mar 2026 02:15:04 +0000"
        assert message["Reply-To"] == "support@waybill.example"
        assert message["Auto-Submitted"] is None
        assert message["List-Unsubscribe"] is None

    def test_an_alert_says_that_a_program_wrote_it(self) -> None:
        assert mail(paper(alert()))["Auto-Submitted"] == "auto-generated"

    def test_a_reply_stands_in_its_thread(self) -> None:
        headers = {
            "Reply-To": "support+abc@waybill.example",
            "In-Reply-To": "<t.1@x.test>",
            "References": "<t.0@x.test> <t.1@x.test>",
        }
        message = mail(replace(ticket_reply(), extra_headers=headers))
        assert {name: message[name] for name in headers} == headers
        assert message["Subject"] == "Re: Where is my invoice?"

    def test_no_further_header_comes_in_that_way(self) -> None:
        message = mail(replace(ticket_reply(), extra_headers={"Bcc": "all@example.test", "X-Other": "1"}))
        assert message["Bcc"] is None
        assert message["X-Other"] is None


EVIL = "Mia\r\nBcc: all@example.test\r\n\r\nBuy now"
BREAKS = ["\r\n", "\n", "\r", "\u2028", "\x00", "\x85", "\x0b"]


class TestInjection:
    @pytest.mark.parametrize(
        "evil", [EVIL, EVIL.replace("\r\n", "\n"), "Mia\rBcc: x", "Mia\u2028Bcc: x", "Mia\x00Bcc: x", "Mia\x85Bcc: x"]
    )
    def test_no_name_breaks_out_of_its_header(self, evil: str) -> None:
        contact = CONTACT.model_copy(update={"name": evil})
        one = replace(paper(lead(contact=contact)), recipient_name=evil, from_name=evil)
        message = mail(one)
        assert message["Bcc"] is None
        assert [len(message.get_all(name, [])) for name in ("From", "To", "Subject")] == [1, 1, 1]
        assert message["To"].addresses[0].addr_spec == "leads@southernsun.example"
        assert len(message["To"].addresses) == 1

    @pytest.mark.parametrize("name", ['"><script>', "a@b.test, c@d.test", "<c@d.test>", "Sun, Solar & Co", 'O"Brien'])
    def test_a_name_adds_no_recipient(self, name: str) -> None:
        addresses = mail(replace(paper(lead()), recipient_name=name))["To"].addresses
        assert [(one.display_name, one.addr_spec) for one in addresses] == [(name, "leads@southernsun.example")]

    def test_html_is_text_in_html(self) -> None:
        contact = CONTACT.model_copy(update={"name": "<script>alert(1)</script>", "street": "<b>1</b>"})
        html = body(paper(lead(contact=contact)), "html")
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "&lt;b&gt;1&lt;/b&gt;" in html

    def test_a_template_in_a_name_is_a_name(self) -> None:
        contact = CONTACT.model_copy(update={"name": "{{ 7 * 7 }}{% raw %}"})
        assert "{{ 7 * 7 }}{% raw %}" in body(paper(lead(contact=contact)))

    def test_a_payment_link_is_a_web_address_or_none(self) -> None:
        one = paper(invoice(payment_url="javascript:alert(1)"))
        assert "javascript:" not in body(one) + body(one, "html")
        assert 'href="https://pay.example.test' in body(paper(invoice()), "html")


class TestUnicode:
    def test_names_arrive_as_they_were_written(self) -> None:
        name = "Ægir Þórðarson 太陽能 ☀️"
        contact = CONTACT.model_copy(update={"name": name})
        one = replace(paper(lead(contact=contact)), recipient_name="Solår & Søn")
        message = mail(one)
        assert name in message["Subject"]
        assert message["To"].addresses[0].display_name == "Solår & Søn"
        assert name in body(one)
        assert name in body(one, "html")

    def test_an_ordinary_server_can_carry_it(self) -> None:
        """Seven bits and short lines, whatever the names are."""
        contact = CONTACT.model_copy(update={"name": "ü" * 2000})
        content = Renderer(HOUSE).letter(paper(lead(contact=contact))).content
        assert content.isascii()
        assert max(len(line) for line in content.split(b"\r\n")) <= 998

    def test_a_mailbox_beyond_ascii_is_kept_and_its_domain_made_plain(self) -> None:
        letter = Renderer(HOUSE).letter(replace(paper(lead()), recipient_email="jörg@müller.example"))
        assert letter.recipient == "jörg@xn--mller-kva.example"
        assert letter.needs_utf8


class TestBytes:
    def test_are_the_same_every_time(self) -> None:
        document = SimpleNamespace(file_name="WB-000042.pdf", media_type="application/pdf", content=PDF)
        one = paper(invoice(), document=document)
        assert Renderer(HOUSE).letter(one).content == Renderer(HOUSE).letter(one).content

    def test_the_attachment_is_the_document(self) -> None:
        document = SimpleNamespace(file_name="WB-000042.pdf", media_type="application/pdf", content=PDF)
        (attached,) = mail(paper(invoice(), document=document)).iter_attachments()
        assert attached.get_payload(decode=True) == PDF
        assert (attached.get_content_type(), attached.get_filename()) == ("application/pdf", "WB-000042.pdf")


class TestLeadMail:
    def test_has_all_that_an_installer_needs(self) -> None:
        event = assignment_created()
        one = paper(drafts.lead_delivery(incoming(event)))
        needed = [
            "Mia O'Brien",
            "0412 345 678",
            "mia.obrien@example.test",
            "12 Cadogan Street",
            "Marrickville NSW 2204",
        ]
        needed += ["Solar battery", "Shared lead", "3 March 2026, 1:15 pm AEDT", str(event.assignment_id)]
        text, html = body(one), body(one, "html").replace("&#39;", "'")
        assert [fact for fact in needed if fact not in text] == []
        assert [fact for fact in needed if fact not in html] == []
        assert 'href="tel:+61412345678"' in html
        assert str(event.assignment_id)[-8:].upper() in mail(one)["Subject"]


def correction(*fields: str, **changes: Any) -> Paper:
    return paper(corrections.lead_correction(incoming(lead_corrected(*fields, **changes))))


class TestCorrectionMail:
    def test_says_what_is_right_and_marks_what_changed(self) -> None:
        assignment_id = UUID("0199a000-0000-7000-8000-00000000a551")
        one = correction("phone", "place", assignment_id=assignment_id)
        text = body(one)
        for line in (
            "Name:       Mia O'Brien",
            "Phone:      0412 345 678 (corrected)",
            "E-mail:     mia.obrien@example.test",
            "Street:     12 Cadogan Street",
            "Place:      Marrickville NSW 2204 (corrected)",
            "Reference:  0000A551",
        ):
            assert line in text.splitlines()
        assert "Service:" not in text, "what did not change is not claimed: it may have been corrected before"
        assert "It was corrected on 3 March 2026, 1:15 pm AEDT." in text
        assert mail(one)["Subject"] == "Corrected: solar battery lead in Marrickville 2204: Mia O'Brien (0000A551)"
        assert mail(one)["Auto-Submitted"] is None

    @pytest.mark.parametrize("field", ["name", "email", "phone", "street", "place", "service"])
    def test_marks_each_field_by_words_in_both_its_parts(self, field: str) -> None:
        one = correction(field)
        assert body(one).count("(corrected)") == body(one, "html").count("(corrected)") == 1

    def test_holds_everything_in_html_too_and_only_as_text(self) -> None:
        contact = CONTACT.model_copy(update={"name": "<script>alert(1)</script>", "street": "<b>1</b>"})
        html = body(correction("name", "place", "service", contact=contact, service="solar-<i>"), "html")
        for said in (
            "&lt;script&gt;",
            "&lt;b&gt;1&lt;/b&gt;",
            "Solar &lt;i&gt;",
            CONTACT.email,
            "0412 345 678",
            "2204",
        ):
            assert said in html
        assert "<script>" not in html
        assert "<b>" not in html
        assert 'href="tel:+61412345678"' in html

    def test_a_place_alone_needs_no_person(self) -> None:
        one = correction("place", contact=None)
        text, html = body(one), body(one, "html")
        assert "Place:      Marrickville NSW 2204 (corrected)" in text
        assert "Name, phone, e-mail and street are as you had them." in text
        assert "Name, phone, e-mail and street are as you had them." in html
        assert "Phone:" not in text
        assert "tel:" not in html


class TestInvoiceMail:
    def test_says_how_much_until_when_and_how(self) -> None:
        one = paper(invoice())
        assert mail(one)["Subject"] == "Tax invoice WB-000042 from Waybill: $495.00 due 8 April 2026"
        for text in (body(one), body(one, "html")):
            assert [
                f for f in ("WB-000042", "$495.00", "8 April 2026", "https://pay.example.test") if f not in text
            ] == []

    def test_without_a_payment_page_it_gives_our_instructions(self) -> None:
        house = replace(HOUSE, payment_instructions="Transfer to BSB 062-000, account 1234 5678.")
        one = paper(invoice(payment_url=None))
        assert "BSB 062-000" in body(one, house=house)
        assert "BSB 062-000" in body(one, "html", house=house)
        assert "on the attached invoice" in body(one)

    def test_says_what_is_left_of_a_part_paid_one(self) -> None:
        assert "Left to pay:  $95.00 AUD" in body(paper(invoice(balance_cents=9_500)))

    def test_an_adjustment_note_is_called_so(self) -> None:
        one = paper(invoice("adjustment_note"))
        assert mail(one)["Subject"] == "Adjustment note WB-000042 from Waybill"
        assert "Tax invoice" not in body(one) + body(one, "html")


class TestOtherMails:
    def test_a_receipt_says_what_was_sent_for_what(self) -> None:
        one = paper(drafts.payout_receipt(incoming(payout_sent())))
        for text in (body(one), body(one, "html")):
            facts = ("$200.00", "Market entry: home batteries", "tr_1Nexample000000000000")
            assert [fact for fact in facts if fact not in text] == []

    def test_an_alert_lists_its_items(self) -> None:
        one = paper(alert(3))
        assert mail(one)["Subject"] == "Leads wait in the exception queue: 3 items"
        assert body(one).count("no_eligible_installer") == 3
        assert mail(paper(alert()))["Subject"].endswith("1 item, no eligible installer")

    def test_a_ticket_reply_keeps_its_lines(self) -> None:
        one = ticket_reply("Hello,\r\n\r\nfirst line\nsecond line <b>")
        assert "first line<br>second line &lt;b&gt;" in body(one, "html")
        assert body(one).startswith("Hello,\n\nfirst line\nsecond line <b>\n")

    def test_every_mail_has_plain_text_and_html(self) -> None:
        for one in (paper(lead()), paper(invoice()), paper(alert()), paper(draft()), ticket_reply(), correction()):
            parts = [part.get_content_type() for part in mail(one).walk()]
            assert parts == ["multipart/alternative", "text/plain", "text/html"]
