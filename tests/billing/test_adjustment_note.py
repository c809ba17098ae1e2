"""An adjustment note says all that the tax office asks of one, or there is no adjustment."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from contracts.values import AdjustmentType, GstTreatment
from services.billing.domain.adjustment_note import NoteFace, NoteLine, missing_note_elements
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.tax_invoice import Owner, Party
from services.billing.errors import NoteNotReady
from tests.billing.arrangements import INSTALLER_ABN, NOW, SELLER, Books

LINE = NoteLine("Exclusive lead", GstTreatment.TAXABLE, 8_500, 850)
WHOLE = NoteFace(
    seller=SELLER,
    buyer=Party("", INSTALLER_ABN),
    invoice_number="WB-000001",
    invoice_issued_at=NOW,
    adjusted_at=NOW,
    reason="invalid_contact",
    lines=[LINE],
    ex_gst_cents=8_500,
    gst_cents=850,
    invoice_cents=100_000,
)


@pytest.mark.parametrize(
    ("changed", "code", "owner"),
    [
        ({"seller": replace(SELLER, abn=None)}, "seller_abn_missing", Owner.PLATFORM),
        ({"seller": replace(SELLER, name=" ")}, "seller_name_missing", Owner.PLATFORM),
        ({"adjusted_at": None}, "note_date_missing", Owner.FINANCE),
        ({"invoice_number": None}, "adjusted_invoice_missing", Owner.FINANCE),
        ({"reason": ""}, "note_reason_missing", Owner.FINANCE),
        ({"lines": [], "ex_gst_cents": 0, "gst_cents": 0}, "price_effect_missing", Owner.FINANCE),
        ({"ex_gst_cents": 8_499}, "price_effect_wrong", Owner.FINANCE),
        ({"gst_cents": 849}, "gst_amount_wrong", Owner.FINANCE),
        ({"lines": [replace(LINE, description="")]}, "line_description_missing", Owner.FINANCE),
        (
            {"lines": [replace(LINE, gst_treatment=GstTreatment.GST_FREE)]},
            "line_taxability_unclear",
            Owner.FINANCE,
        ),
        ({"buyer": Party("", "1")}, "buyer_identity_missing", Owner.INSTALLER_CARE),
    ],
)
def test_the_missing_element_is_named_with_who_mends_it(changed: dict[str, Any], code: str, owner: Owner) -> None:
    assert [(each.code, each.owner) for each in missing_note_elements(replace(WHOLE, **changed))] == [(code, owner)]


def test_a_whole_one_lacks_nothing_and_a_small_one_needs_no_buyer() -> None:
    assert missing_note_elements(WHOLE) == ()
    assert missing_note_elements(replace(WHOLE, buyer=Party("", None), invoice_cents=99_999)) == ()


async def test_a_debit_that_makes_the_buyer_necessary_is_refused_whole(books: Books) -> None:
    """The invoice came to less than $1,000, and named nobody."""
    installer_id = await books.priced_installer(name="", billing_name="", abn=None)
    invoice = await books.issue(await books.draft_of(installer_id))
    debit = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION, "notes": "As agreed"}
    with pytest.raises(NoteNotReady) as refused:
        await books.credit(invoice.id, 90_000, **debit)
    assert [each.code for each in refused.value.errors] == ["buyer_identity_missing"]
    assert await books.value("SELECT count(*) FROM adjustments") == 0
    small = await books.credit(UUID(str(invoice.id)), 1_000, **debit)
    async with books.unit() as session:
        assert await session.scalar(text("SELECT number FROM adjustments WHERE id = :id"), {"id": small.id}) is not None
