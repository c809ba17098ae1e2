import pytest
import stripe

from tests.deploy.stripe.rig import Rig


class TestCreateTransfer:
    def test_moves_available_balance_to_the_account(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        transfer = rig.transfer(expert.id, 6_000, metadata={"settlement": "7"}, transfer_group="g", description="d")
        assert transfer.object == "transfer"
        assert (transfer.amount, transfer.amount_reversed, transfer.reversed) == (6_000, 0, False)
        assert (transfer.destination, transfer.transfer_group, transfer.metadata["settlement"]) == (expert.id, "g", "7")
        assert rig.sdk.v1.balance.retrieve().available[0].amount == 4_000
        theirs = rig.sdk.v1.balance.retrieve(options={"stripe_account": expert.id})
        assert theirs.available[0].amount == 6_000
        rig.mailbox.wait_for(1, "transfer.created")

    def test_refuses_what_the_balance_does_not_hold(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=5_999)
        expert = rig.expert()
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.transfer(expert.id, 6_000)
        assert (refusal.value.http_status, refusal.value.code) == (400, "balance_insufficient")
        assert rig.state()["available_cents"] == 5_999

    def test_the_balance_of_another_currency_does_not_help(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000, currency="usd")
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.transfer(rig.expert().id, 1)
        assert refusal.value.code == "balance_insufficient"

    def test_refuses_an_unknown_destination(self, rig: Rig) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.transfer("acct_nobody", 100)
        assert str(refusal.value.user_message) == "No such destination: 'acct_nobody'"
        assert (refusal.value.code, refusal.value.param) == ("resource_missing", "destination")

    def test_refuses_an_account_that_cannot_take_transfers(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        rig.control(f"accounts/{expert.id}/capability", status="inactive")
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.transfer(expert.id, 100)
        assert refusal.value.code == "insufficient_capabilities_for_transfer"

    @pytest.mark.parametrize(
        ("form", "code", "param"),
        [
            ("currency=aud&destination=acct_1", "parameter_missing", "amount"),
            ("amount=1.5&currency=aud&destination=acct_1", "parameter_invalid_integer", "amount"),
            ("amount=0&currency=aud&destination=acct_1", "parameter_invalid_integer", "amount"),
            ("amount=5&currency=aud&destination=", "parameter_invalid_empty", "destination"),
            ("amount=5&currency=aud&destination=acct_1&colour=red", "parameter_unknown", "colour"),
            ("amount=5&currency=aud&destination=acct_1&metadata=red", None, "metadata"),
        ],
    )
    def test_names_the_parameter_that_is_wrong(self, rig: Rig, form: str, code: str | None, param: str) -> None:
        answer = rig.call("POST", "/v1/transfers", form)
        error = answer.json()["error"]
        assert (answer.status_code, error.get("code"), error["param"]) == (400, code, param)
        assert error["type"] == "invalid_request_error"


class TestSourceTransaction:
    def test_needs_no_balance_and_shares_the_group(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay")
        (charge,) = rig.sdk.v1.charges.list().data
        expert = rig.expert()
        drain = rig.expert()
        rig.transfer(drain.id, 10_000)
        transfer = rig.transfer(expert.id, 4_000, source_transaction=charge.id)
        assert transfer.source_transaction == charge.id
        assert transfer.transfer_group == f"group_{charge.payment_intent}"

    def test_cannot_give_more_than_the_charge(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay")
        (charge,) = rig.sdk.v1.charges.list().data
        expert = rig.expert()
        rig.transfer(expert.id, 9_000, source_transaction=charge.id)
        with pytest.raises(stripe.InvalidRequestError):
            rig.transfer(expert.id, 1_001, source_transaction=charge.id)


class TestReadTransfers:
    def test_lists_by_group_destination_and_time(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        first, second = rig.expert(), rig.expert()
        old = rig.transfer(first.id, 1, transfer_group="a")
        rig.move_clock(hours=2)
        new = rig.transfer(second.id, 2, transfer_group="a")
        other = rig.transfer(second.id, 3, transfer_group="b")

        def found(**params: object) -> list[str]:
            return [row.id for row in rig.sdk.v1.transfers.list(params).data]  # type: ignore[arg-type]

        assert found(transfer_group="a") == [new.id, old.id]
        assert found(destination=second.id) == [other.id, new.id]
        assert found(created={"lte": old.created}) == [old.id]
        assert found(created={"gt": old.created}, transfer_group="a") == [new.id]

    def test_cannot_list_by_metadata_as_stripe_cannot(self, rig: Rig) -> None:
        answer = rig.call("GET", "/v1/transfers?metadata[settlement]=7")
        assert answer.json()["error"]["code"] == "parameter_unknown"

    def test_expands_what_it_names(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        transfer = rig.transfer(rig.expert(email="e@expert.example").id, 100, expand=["destination"])
        assert isinstance(transfer.destination, stripe.Account)
        again = rig.sdk.v1.transfers.retrieve(transfer.id, {"expand": ["balance_transaction", "destination_payment"]})
        assert isinstance(again.balance_transaction, stripe.BalanceTransaction)
        assert again.balance_transaction.net == -100
        assert isinstance(again.destination_payment, stripe.Charge)
        assert again.destination_payment.id.startswith("py_")

    def test_refuses_to_expand_what_is_no_object(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        transfer = rig.transfer(rig.expert().id, 100)
        answer = rig.call("GET", f"/v1/transfers/{transfer.id}?expand[]=currency")
        assert answer.json()["error"]["message"] == "This property cannot be expanded (currency)."

    def test_updates_metadata_key_by_key(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        transfer = rig.transfer(rig.expert().id, 100, metadata={"a": "1", "b": "2"})
        updated = rig.sdk.v1.transfers.update(transfer.id, {"metadata": {"a": "", "c": "3"}})
        assert dict(updated.metadata.to_dict()) == {"b": "2", "c": "3"}
        rig.mailbox.wait_for(1, "transfer.updated")


class TestReverseTransfer:
    def test_partly_leaves_reversed_false(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        transfer = rig.transfer(rig.expert().id, 6_000)
        reversal = rig.sdk.v1.transfers.reversals.create(transfer.id, {"amount": 2_000, "metadata": {"why": "credit"}})
        after = rig.sdk.v1.transfers.retrieve(transfer.id)
        assert (after.amount_reversed, after.reversed) == (2_000, False)
        assert [one.id for one in after.reversals.data] == [reversal.id]
        assert rig.state()["available_cents"] == 6_000
        rig.mailbox.wait_for(1, "transfer.reversed")

    def test_the_rest_completes_it(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        transfer = rig.transfer(rig.expert().id, 6_000)
        rig.sdk.v1.transfers.reversals.create(transfer.id, {"amount": 2_000})
        rest = rig.sdk.v1.transfers.reversals.create(transfer.id)
        after = rig.sdk.v1.transfers.retrieve(transfer.id)
        assert (rest.amount, after.amount_reversed, after.reversed) == (4_000, 6_000, True)
        with pytest.raises(stripe.InvalidRequestError, match="already fully reversed"):
            rig.sdk.v1.transfers.reversals.create(transfer.id)
        state = rig.state()
        assert (state["transferred_cents"], state["reversed_cents"], state["available_cents"]) == (6_000, 6_000, 10_000)
        assert state["balances_tie"]

    def test_cannot_take_more_than_was_given(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        transfer = rig.transfer(rig.expert().id, 6_000)
        with pytest.raises(stripe.InvalidRequestError, match=r"\$60.01\) is greater than unreversed"):
            rig.sdk.v1.transfers.reversals.create(transfer.id, {"amount": 6_001})

    def test_fails_when_the_money_has_left_for_the_bank(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        transfer = rig.transfer(expert.id, 6_000)
        rig.control(f"accounts/{expert.id}/pay_out", amount=5_000)
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.transfers.reversals.create(transfer.id)
        assert refusal.value.code == "balance_insufficient"
        assert rig.sdk.v1.transfers.reversals.create(transfer.id, {"amount": 1_000}).amount == 1_000
        (payout,) = rig.mailbox.wait_for(1, "payout.paid")
        assert payout.event["account"] == expert.id

    def test_lists_and_updates_reversals(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        transfer = rig.transfer(rig.expert().id, 6_000)
        made = [rig.sdk.v1.transfers.reversals.create(transfer.id, {"amount": 1}).id for _ in range(3)]
        listed = rig.sdk.v1.transfers.reversals.list(transfer.id, {"limit": 2}).auto_paging_iter()
        assert [one.id for one in listed] == made[::-1]
        noted = rig.sdk.v1.transfers.reversals.update(transfer.id, made[0], {"metadata": {"a": "1"}})
        assert noted.metadata is not None
        assert noted.metadata["a"] == "1"
        assert rig.sdk.v1.transfers.reversals.retrieve(transfer.id, made[0]).amount == 1
