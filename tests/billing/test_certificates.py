"""Certificates: taken in the night and by hand, kept and signed, told, looked into, verified."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import isnan
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.identity import Role
from services.billing.certifying import SCHEDULE, Certifier
from services.billing.commands.certificates import KeepCertificate, keep_certificate
from services.billing.commands.journal import post
from services.billing.domain.certificate import Offender, Outcome, SignatureState, Statement, Unit, Verdict
from services.billing.domain.journal import LedgerAccount, Posting, PostingKind, transfer
from services.billing.domain.signing import Signer, verify
from services.billing.measures.certificates import measure_certificates
from services.billing.models import Certificate
from services.billing.queries.books import ALL
from tests.billing.arrangements import NOW, Books, march, sent
from tests.billing.desk import Desk, code_of
from tests.billing.windows import Window
from tests.kit.metrics import gauge

PATH, ROOM = "/admin/billing/certificates", "/console/certificates"
SIGNER = Signer("a secret of thirty-two letters or more")
NIGHT = NOW.replace(hour=18)


async def stray(books: Books) -> None:
    """Seven cents that no invoice knows of, as only a fault of the program could post them."""
    entries = transfer(LedgerAccount.CASH, LedgerAccount.RECEIVABLE, 7)
    async with books.unit() as session:
        await post(session, [Posting("stray", PostingKind.PAYMENT_RECEIVED, NOW, entries)], NOW)


async def certified(books: Books, signer: Signer | None = SIGNER) -> Certificate:
    return await Certifier(books.database, books.clock, signer).certify(SCHEDULE)


async def kept(books: Books, keys: Mapping[str, Sequence[str]]) -> UUID:
    """A certificate by which nothing holds of what has these keys."""
    verdicts = tuple(
        Verdict(name, ALL[name].unit, 0, 0, len(each), len(each), tuple(Offender(key, 0, 1) for key in each))
        for name, each in keys.items()
    )
    async with books.unit() as session:
        return (await keep_certificate(session, KeepCertificate(NOW, verdicts, SCHEDULE), None, NOW)).id


class TestASignature:
    SAID = Statement(UUID(int=1), NOW, NOW, "schedule", (Verdict("one", Unit.CENTS, 1, 1, 1, 0),))

    def test_stands_under_one_text(self) -> None:
        signature = SIGNER.sign(self.SAID)
        assert verify(self.SAID, self.SAID.sha256, signature, SIGNER) is SignatureState.VALID
        other = Statement(UUID(int=1), NOW, NOW, "schedule", (Verdict("one", Unit.CENTS, 2, 2, 1, 0),))
        assert verify(other, self.SAID.sha256, signature, SIGNER) is SignatureState.ALTERED
        # With the hash put right the signature gives it away.
        assert verify(other, other.sha256, signature, SIGNER) is SignatureState.ALTERED

    def test_is_nobodys_without_a_key(self) -> None:
        assert verify(self.SAID, self.SAID.sha256, None, SIGNER) is SignatureState.UNSIGNED

    @pytest.mark.parametrize("signer", [None, Signer("another secret of thirty-two letters")], ids=["none", "another"])
    def test_is_not_judged_by_another_key(self, signer: Signer | None) -> None:
        signature = SIGNER.sign(self.SAID)
        assert verify(self.SAID, self.SAID.sha256, signature, signer) is SignatureState.OTHER_KEY


class TestTaking:
    async def test_keeps_and_tells_what_holds(self, books: Books) -> None:
        await books.issued_invoice()
        certificate = await certified(books)
        assert (certificate.failed_count, certificate.not_compared_count) == (0, 1)
        (told,) = await books.published("books.certified")
        assert (told["subject_id"], told["failed"], told["is_signed"]) == (str(certificate.id), [], True)
        assert told["equality_count"] == certificate.equality_count >= 15
        assert await books.value("SELECT count(*) FROM audit_entries WHERE action = 'certify_books'") == 1

    async def test_names_what_does_not_hold_with_its_rows(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await stray(books)
        certificate = await certified(books)
        (told,) = await books.published("books.certified")
        assert set(told["failed"]) == {"receivable_is_owed", "payments_are_money", "postings_are_facts"}
        rows = await books.rows("SELECT name, key, left_side, right_side FROM certified_offenders ORDER BY name")
        assert ("receivable_is_owed", "", 0, -7) in [tuple(row) for row in rows]
        assert certificate.failed_count == 3
        assert str(invoice.id) not in {row.key for row in rows}

    async def test_leaves_what_came_late_to_who_charges_it(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        books.clock.advance(timedelta(minutes=2))
        await books.deliver(sent(invoice.account_id, march(30)))
        assert (await certified(books)).failed_count == 0

    async def test_is_done_once_for_a_night(self, books: Books) -> None:
        certifier = Certifier(books.database, books.clock, None)
        for _ in range(2):
            await certifier.nightly(NIGHT)
        await certifier.nightly(NIGHT + timedelta(days=1))
        assert await books.value("SELECT count(*) FROM certificates") == 2
        assert await books.value("SELECT count(*) FROM certificates WHERE taken_by_name = 'schedule'") == 2
        assert len(await books.published("books.certified")) == 2

    async def test_without_a_key_says_that_it_is_unsigned(self, books: Books) -> None:
        certificate = await certified(books, signer=None)
        assert (certificate.key_id, certificate.signature) == (None, None)
        assert [told["is_signed"] for told in await books.published("books.certified")] == [False]


class TestOverHttp:
    async def test_is_taken_read_and_looked_into(self, books: Books, desk: Desk) -> None:
        await stray(books)
        taken = await desk.do("POST", PATH, status=201)
        assert [each["id"] for each in await desk.items(PATH)] == [taken["id"]]
        read = await desk.get(f"{PATH}/{taken['id']}")
        assert read == taken
        by_name = {each["name"]: each for each in read["equalities"]}
        assert by_name["receivable_is_owed"]["outcome"] == Outcome.FAILS
        assert by_name["stripe_is_clearing"]["outcome"] == Outcome.NOT_COMPARED
        detail = await desk.get(f"{PATH}/{taken['id']}/equalities/receivable_is_owed")
        assert detail["offenders"] == [{"key": "", "left": 0, "right": -7}]

    async def test_is_verified_by_who_has_the_public_key(self, books: Books, desk: Desk) -> None:
        taken = await certified(books)
        found = await desk.get(f"{PATH}/{taken.id}/verify")
        # The application of the test has no key: it cannot say, and whoever has it can.
        assert (found["state"], found["public_key_base64"]) == ("other_key", None)
        signed = found["text"].encode()
        assert hashlib.sha256(signed).hexdigest() == found["sha256"]
        key = Ed25519PublicKey.from_public_bytes(SIGNER.public_key)
        key.verify(base64.b64decode(found["signature_base64"]), signed)
        assert json.loads(signed)["certificate_id"] == str(taken.id)

    async def test_is_taken_by_those_who_deal_with_money(self, desk: Desk) -> None:
        answer = await desk.ask("POST", PATH, role=Role.EDITOR)
        assert (answer.status_code, code_of(answer)) == (403, "capability_missing")

    @pytest.mark.parametrize("path", [f"{UUID(int=9)}", f"{UUID(int=9)}/verify", f"{UUID(int=9)}/equalities/none"])
    async def test_knows_no_other(self, desk: Desk, path: str) -> None:
        answer = await desk.ask("GET", f"{PATH}/{path}")
        assert (answer.status_code, code_of(answer)) == (404, "certificate_not_found")


class TestTheRoom:
    async def test_certifies_and_shows_it(self, books: Books, window: Window) -> None:
        await books.issued_invoice()
        assert "equalities are looked at in one snapshot" in await window.open(f"{ROOM}/new")
        answer = await window.send(ROOM)
        page = await window.open(answer.headers["location"])
        assert "The books tie, Stripe not compared" in page
        assert "Unsigned: no key is set" in page
        assert "1 certificate<" in await window.open(ROOM)
        assert "1 certificate<" in await window.open(f"{ROOM}?state=uncompared")
        for state in ("ties", "fails"):
            assert "0 certificates" in await window.open(f"{ROOM}?state={state}")

    async def test_leads_to_the_rows_that_differ(self, books: Books, window: Window) -> None:
        await stray(books)
        id_ = (await certified(books)).id
        page = await window.open(f"{ROOM}/{id_}")
        assert "The books do not tie" in page
        assert "3 equalities do not hold" in page
        page = await window.open(f"{ROOM}/{id_}/payments_are_money")
        assert "1 differs" in page
        posting = await books.value("SELECT id FROM journal_postings WHERE source_key = 'stray'")
        assert f"/console/trace/{posting}" in page
        assert "nothing was compared with Stripe in the day before it" in await window.open(
            f"{ROOM}/{id_}/stripe_is_clearing"
        )

    async def test_leads_to_what_each_row_is_about(self, books: Books, window: Window) -> None:
        invoice = await books.issued_invoice()
        note = await books.credit(invoice.id, 100)
        stray, missing = UUID(int=7), "77"
        told: dict[str, dict[str | None, str]] = {
            "invoice_numbers_have_no_gaps": {invoice.number: f"/console/invoices/{invoice.id}", missing: ""},
            "note_numbers_have_no_gaps": {note.number: f"/console/adjustments/{note.id}"},
            "postings_are_facts": {f"payment:{stray}": f"/console/trace/{stray}", "stray": ""},
            "invoices_are_posted": {str(invoice.id): f"/console/trace/{invoice.id}"},
            "customer_credit_is_posted": {str(invoice.account_id): f"/console/accounts/{invoice.account_id}"},
            "stripe_is_clearing": {"balance": "/console/stripe"},
        }
        id_ = await kept(books, {name: [key or "" for key in doors] for name, doors in told.items()})
        for name, doors in told.items():
            page = await window.open(f"{ROOM}/{id_}/{name}")
            for key, path in doors.items():
                assert (f'<a href="{path}">{key}</a>' in page) if path else (f">{key}</a>" not in page), (name, key)

    async def test_tells_who_can(self, window: Window) -> None:
        page = await window.open(f"{ROOM}/new", Role.EDITOR)
        assert "Super admins and admins can do it" in page
        await window.send(ROOM, Role.EDITOR, status=403)


class TestMeasures:
    async def test_tell_how_old_the_last_is_and_what_failed(self, books: Books) -> None:
        async def measured() -> tuple[float, float]:
            async with books.database.reading() as session:
                await measure_certificates(books.clock)(session)
            return gauge("waybill_certificate_failed_equalities"), gauge("waybill_certificate_age_seconds")

        failed, age = await measured()
        assert (failed, isnan(age)) == (0, True)
        await stray(books)
        await certified(books)
        books.clock.advance(timedelta(hours=3))
        assert await measured() == (3, 3 * 3600)
