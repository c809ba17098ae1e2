"""A month handed over to Stripe and its references taken back: one table goes out, filled in it comes back."""

import csv
import io
from uuid import UUID

import pytest

from contracts.identity import Role
from services.billing.domain.references import (
    MOST_REFERENCES,
    GivenReference,
    Held,
    ReferenceResult,
    read_references,
    result_of,
)
from tests.billing.arrangements import Books, march, sent
from tests.billing.desk import Desk
from tests.billing.windows import Window

MONTH = "/admin/billing/months/2026-03"
STEP = "/console/month-close/2026-03/references"
ID = UUID(int=7)
GIVEN = GivenReference(ID, "in_0000001", "https://pay.example/1")
FREE = Held(is_of_month=True, is_draft=True, stripe_invoice_id=None, stripe_invoice_url=None, is_taken_by_another=False)
AS_GIVEN = Held(True, False, "in_0000001", "https://pay.example/1", False)


@pytest.mark.parametrize(
    ("held", "is_repeated", "result"),
    [
        (FREE, False, ReferenceResult.KEPT),
        (Held(True, True, "in_0000002", None, False), False, ReferenceResult.KEPT),
        (AS_GIVEN, False, ReferenceResult.UNCHANGED),
        (FREE, True, ReferenceResult.REPEATED),
        (None, False, ReferenceResult.UNKNOWN),
        (Held(False, True, None, None, False), False, ReferenceResult.OF_ANOTHER_MONTH),
        (Held(True, False, "in_0000002", None, False), False, ReferenceResult.NOT_A_DRAFT),
        (Held(True, True, None, None, True), False, ReferenceResult.TAKEN),
    ],
)
def test_what_becomes_of_a_reference(held: Held | None, is_repeated: bool, result: ReferenceResult) -> None:
    assert result_of(GIVEN, held, is_repeated=is_repeated) is result


class TestReadingTheList:
    def test_takes_the_columns_by_their_names_and_the_same_line_once(self) -> None:
        written = f"\ufeffcustomer,stripe_invoice_id,invoice_id\nA,in_0000001,{ID}\nA,in_0000001,{ID}\nB,,x\n"
        assert read_references(written) == ([GivenReference(ID, "in_0000001")], [])

    @pytest.mark.parametrize(
        ("written", "codes"),
        [
            ("invoice_id\n1", ["column_missing"]),
            ("", ["column_missing", "column_missing"]),
            ("invoice_id,stripe_invoice_id\n1,cus_000001", ["invoice_id_invalid", "stripe_reference_invalid"]),
            (f"invoice_id,stripe_invoice_id,stripe_invoice_url\n{ID},in_0000001,http://a", ["address_invalid"]),
            (f"invoice_id,stripe_invoice_id\n{ID},", ["references_missing"]),
            (
                "invoice_id,stripe_invoice_id\n" + "\n".join(f"{UUID(int=n)},in_{n:07}" for n in range(501)),
                ["too_many_references"],
            ),
        ],
    )
    def test_names_each_line_that_cannot_be_read(self, written: str, codes: list[str]) -> None:
        assert [each.code for each in read_references(written)[1]] == codes


class TestTheHandOver:
    async def test_the_months_table_filled_in_comes_back_as_its_references(
        self, books: Books, desk: Desk, window: Window
    ) -> None:
        first = await books.priced_installer(name="=Sum", billing_name="=Sum")
        second = await books.priced_installer(name="Second", billing_name="Second")
        await books.deliver(sent(first, march(10)), sent(second, march(10)))
        await books.plan(second, march(15), 9_500, 3_850)
        await books.deliver(sent(second, march(20)))
        drafted = await books.drafts()
        table = (await window.open("/console/month-close/2026-03/export/month.csv")).splitlines()
        rows = list(csv.DictReader(table))
        assert [(row["customer"], row["quantity"], row["unit_amount"]) for row in rows] == [
            ("'=Sum", "1", "85.00"),
            ("Second", "1", "85.00"),
            ("Second", "1", "95.00"),
        ]
        assert {row["due_on"] for row in rows} == {"2026-04-09"}
        assert {row["tax_rate"] for row in rows} == {"GST 10% exclusive"}
        for row in rows:
            row["stripe_invoice_id"] = f"in_{row['invoice_id'].replace('-', '')}"
        filled = io.StringIO()
        writer = csv.DictWriter(filled, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        await window.send(f"{STEP}/look", references=filled.getvalue())
        page = await window.open(STEP)
        assert "Nothing is kept yet: the list would keep 2 references" in page
        assert await books.value("SELECT count(*) FROM invoices WHERE stripe_invoice_id IS NOT NULL") == 0
        import_id = str(await books.value("SELECT id FROM reference_imports"))
        await window.send(f"{STEP}/keep", import_id=import_id, reason="Made from the export")
        assert "2 references were kept from the last list" in await window.open(STEP)
        kept = await books.rows("SELECT id, stripe_invoice_id FROM invoices")
        drafts = [each.invoice_id for each in drafted if each.invoice_id]
        assert dict(kept) == {draft: f"in_{draft.hex}" for draft in drafts}
        audited = await books.rows("SELECT reason_text FROM audit_entries WHERE action = 'keep_stripe_reference'")
        assert audited == [("Made from the export",)] * 2
        await window.send(f"{STEP}/keep", status=409, import_id=import_id)

    async def test_as_json_has_all_that_is_typed_in(self, books: Books, desk: Desk, window: Window) -> None:
        draft = await books.draft_of(await books.priced_installer(name="Sunny"))
        (exported,) = await desk.items(f"{MONTH}/export")
        assert (exported["invoice_id"], exported["total_cents"]) == (str(draft), 9_350)
        assert exported["metadata"] == {"waybill_invoice_id": str(draft), "period": "2026-03"}
        (item,) = exported["items"]
        assert (item["amount_cents"], item["gst_cents"], item["quantity"]) == (8_500, 850, 1)
        answer = await window.client.get("/console/month-close/2026-03/export/month.json", headers=window.headers())
        assert answer.json() == [exported]
        one = await window.open(f"/console/invoices/{draft}/export-items.csv")
        assert len(one.splitlines()) == 2
        await desk.do("GET", f"/admin/billing/invoices/{UUID(int=1)}/export-items.csv", status=404)

    async def test_leaves_who_took_it_along_and_changes_nothing_for_who_decides(
        self, books: Books, desk: Desk, window: Window
    ) -> None:
        draft = await books.draft_of(await books.priced_installer(name="Sunny"))
        page, stripe_id = f"/console/invoices/{draft}", "in_0000001"
        await desk.items(f"{MONTH}/export")
        for path in (f"{MONTH}/export.csv", f"/admin/billing/invoices/{draft}/export"):
            assert (await desk.ask("GET", path)).status_code == 200
        for ending in ("export.csv", "export.json", "export-items.csv"):
            await window.open(f"{page}/{ending}")
            await window.open(f"/console/invoices/{UUID(int=1)}/{ending}", status=404)
        for ending in ("csv", "json"):
            await window.open(f"/console/month-close/2026-03/export/month.{ending}")
        rows = await books.rows("SELECT subject_kind, subject_id, after ->> 'format' FROM audit_entries ORDER BY id")
        assert rows == [
            ("month_export", "2026-03", "json"),
            ("month_export", "2026-03", "csv"),
            *(("invoice_export", str(draft), written) for written in ("json", "csv", "json", "items csv")),
            ("month_export", "2026-03", "csv"),
            ("month_export", "2026-03", "json"),
        ]
        await window.send(f"{page}/keep-reference", stripe_invoice_id=stripe_id)
        assert (await window.open(page)).count("exported it") == 4

    async def test_a_list_that_cannot_be_read_keeps_nothing(self, books: Books, window: Window) -> None:
        await books.draft_of(await books.priced_installer())
        answer = await window.send(f"{STEP}/look", status=422, references="invoice_id,stripe_invoice_id\nx,y")
        assert "line 2 names no invoice" in answer.text
        assert await books.value("SELECT count(*) FROM reference_imports") == 0


class TestReferencesAsJson:
    async def test_a_dry_run_changes_nothing_and_each_has_its_result(self, books: Books, desk: Desk) -> None:
        draft, issued = await books.draft_of(await books.priced_installer()), await books.issued_invoice()
        given = [
            {"invoice_id": str(draft), "stripe_invoice_id": "in_0000001"},
            {"invoice_id": str(issued.id), "stripe_invoice_id": "in_0000002"},
            {"invoice_id": str(ID), "stripe_invoice_id": "in_0000003"},
        ]
        body = {"references": given, "dry_run": True}
        dry = await desk.do("POST", f"{MONTH}/stripe-references", body)
        assert [each["result"] for each in dry["results"]] == ["kept", "invoice_not_a_draft", "invoice_not_found"]
        assert (await books.invoice(draft)).stripe_invoice_id is None
        kept = await desk.do("POST", f"{MONTH}/stripe-references", {"references": given})
        assert (kept["kept_count"], kept["refused_count"], kept["results"]) == (1, 2, dry["results"])
        assert (await books.invoice(draft)).stripe_invoice_id == "in_0000001"
        again = await desk.do("POST", f"{MONTH}/stripe-references", {"references": given[:1]})
        assert (again["kept_count"], again["results"][0]["result"]) == (0, "unchanged")

    async def test_one_that_another_invoice_has_is_refused(self, books: Books, desk: Desk) -> None:
        issued = await books.issued_invoice()
        draft = await books.draft_of(await books.priced_installer())
        given = [{"invoice_id": str(draft), "stripe_invoice_id": issued.stripe_invoice_id}]
        told = await desk.do("POST", f"{MONTH}/stripe-references", {"references": given})
        assert told["results"][0]["result"] == "stripe_reference_taken"
        await desk.do("POST", f"{MONTH}/stripe-references", {"references": given}, status=403, role=Role.EDITOR)

    async def test_as_many_as_are_kept_at_once_fit_into_a_request(self, desk: Desk) -> None:
        address = "https://pay.example/".ljust(2_000, "x")
        given = [
            {"invoice_id": str(UUID(int=n)), "stripe_invoice_id": f"in_{n:07}", "stripe_invoice_url": address}
            for n in range(MOST_REFERENCES)
        ]
        told = await desk.do("POST", f"{MONTH}/stripe-references", {"references": given})
        assert told["refused_count"] == MOST_REFERENCES


async def test_a_months_export_of_as_many_rows_fits_into_the_form(books: Books, window: Window) -> None:
    rows = [
        f'"Sunny Roofs, Pty Ltd, of row {n}",in_{n:07},{UUID(int=n)},' + ",".join("x" * 60)
        for n in range(MOST_REFERENCES)
    ]
    written = "\n".join(["customer,stripe_invoice_id,invoice_id", *rows])
    await window.send(f"{STEP}/look", references=written)
    assert await books.value("SELECT count(*) FROM reference_imports") == 1
