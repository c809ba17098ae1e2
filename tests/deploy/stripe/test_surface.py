"""The edges of the API: keys, versions, addresses, shapes of refusals, and what is never shown."""

import json
from base64 import b64encode

import pytest
import stripe

from deploy.local.stripe import PINNED_API_VERSION
from tests.deploy.stripe.rig import API_KEY, Rig


class TestAuthentication:
    def test_takes_the_key_as_bearer_and_as_basic_user(self, rig: Rig) -> None:
        basic = b64encode(f"{API_KEY}:".encode()).decode()
        assert rig.call("GET", "/v1/balance").status_code == 200
        assert rig.call("GET", "/v1/balance", Authorization=f"Basic {basic}").status_code == 200

    def test_refuses_another_key_and_shows_it_masked(self, rig: Rig) -> None:
        with pytest.raises(stripe.AuthenticationError) as refusal:
            rig.client("sk_test_of_somebody_else_9999").v1.balance.retrieve()
        assert refusal.value.http_status == 401
        assert str(refusal.value.user_message).startswith("Invalid API Key provided: sk_test_*")
        assert "somebody" not in str(refusal.value.user_message)

    @pytest.mark.parametrize("header", ["", "Basic !!!", "Digest x"])
    def test_refuses_a_call_without_a_key(self, rig: Rig, header: str) -> None:
        answer = rig.call("GET", "/v1/balance", Authorization=header)
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"


class TestVersion:
    def test_is_the_one_that_the_sdk_asks_for(self) -> None:
        assert stripe.api_version == PINNED_API_VERSION

    def test_every_answer_names_it_and_its_request(self, rig: Rig) -> None:
        for answer in (rig.call("GET", "/v1/balance"), rig.call("GET", "/v1/nothing")):
            assert answer.headers["stripe-version"] == PINNED_API_VERSION
            assert answer.headers["request-id"].startswith("req_")

    def test_another_is_refused(self, rig: Rig) -> None:
        assert rig.call("GET", "/v1/balance", Stripe_Version="2020-08-27").status_code == 400


class TestAddresses:
    def test_an_unknown_one_is_404_in_stripes_words(self, rig: Rig) -> None:
        answer = rig.call("GET", "/v1/subscriptions")
        assert answer.status_code == 404
        assert answer.json()["error"]["message"].startswith("Unrecognized request URL (GET: /v1/subscriptions).")

    def test_an_unknown_id_is_404(self, rig: Rig) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.customers.retrieve("cus_none")
        assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
        assert refusal.value.user_message == "No such customer: 'cus_none'"

    def test_writes_on_behalf_of_an_account_are_refused(self, rig: Rig) -> None:
        expert = rig.expert()
        with pytest.raises(stripe.InvalidRequestError, match="on reads alone"):
            rig.sdk.v1.customers.create({"name": "A"}, {"stripe_account": expert.id})


class TestForms:
    def test_reads_indexed_and_bare_brackets_alike(self, rig: Rig) -> None:
        customer = rig.customer().id
        for expansion in ("expand[0]=customer", "expand[]=customer"):
            form = f"customer={customer}&{expansion}"
            assert rig.call("POST", "/v1/invoices", form).json()["customer"]["id"] == customer

    def test_metadata_keys_may_be_numbers(self, rig: Rig) -> None:
        answer = rig.call("POST", "/v1/customers", "metadata[0]=zero&metadata[1]=one")
        assert answer.json()["metadata"] == {"0": "zero", "1": "one"}

    @pytest.mark.parametrize(
        "form",
        ["=a", "a[b=c", "name[x]=1", "metadata[a][b]=1", "balance=1e3", "preferred_locales=en", "name=%FF"],
    )
    def test_refuses_what_has_the_wrong_form(self, rig: Rig, form: str) -> None:
        assert rig.call("POST", "/v1/customers", form).status_code == 400

    def test_refuses_a_body_beyond_all_measure(self, rig: Rig) -> None:
        assert rig.call("POST", "/v1/customers", "name=" + "a" * 2_000_000).status_code == 413


class TestExpand:
    def test_reaches_four_levels_and_no_more(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay")
        path = "payments.data.payment.payment_intent"
        (payment,) = rig.call("GET", f"/v1/invoices/{invoice.id}?expand[]={path}").json()["payments"]["data"]
        assert payment["payment"]["payment_intent"]["status"] == "succeeded"
        refused = rig.call("GET", f"/v1/invoices/{invoice.id}?expand[]={path}.latest_charge")
        assert refused.json()["error"]["code"] == "property_expansion_max_depth"

    def test_is_refused_before_any_work(self, rig: Rig) -> None:
        """A refusal after the work would make a caller believe that nothing moved."""
        rig.control("balance/top_up", amount=10_000)
        form = f"amount=100&currency=aud&destination={rig.expert().id}"
        for path in ("currency", "payments", "destination.nothing", "data.destination"):
            refused = rig.call("POST", "/v1/transfers", f"{form}&expand[]={path}", Idempotency_Key="k")
            assert refused.json()["error"]["message"] == f"This property cannot be expanded ({path})."
        assert rig.state()["transferred_cents"] == 0
        assert rig.call("POST", "/v1/transfers", form, Idempotency_Key="k").status_code == 200

    def test_works_on_every_row_of_a_list(self, rig: Rig) -> None:
        rig.issued(10_000)
        rig.issued(10_000)
        rows = rig.call("GET", "/v1/invoices?expand[]=data.customer&expand[]=data.payments").json()["data"]
        assert [row["customer"]["object"] for row in rows] == ["customer", "customer"]
        assert [len(row["payments"]["data"]) for row in rows] == [1, 1]


class TestHiddenFields:
    def test_nothing_internal_is_ever_shown(self, rig: Rig) -> None:
        rig.gst()
        invoice = rig.issued(10_000, tax_rate=rig.gst().id)
        rig.control(f"invoices/{invoice.id}/pay")
        expert = rig.expert()
        rig.transfer(expert.id, 100)
        paths = ["customers", "tax_rates", "invoices", "invoiceitems", "invoice_payments", "payment_intents"]
        paths += ["charges", "accounts", "transfers", "balance_transactions", "events", "webhook_endpoints"]
        for path in paths:
            rows = rig.call("GET", f"/v1/{path}").json()["data"]
            assert rows
            assert '"_' not in json.dumps(rows)


class TestControlRoutes:
    def test_health_and_unknown_ones(self, rig: Rig) -> None:
        assert rig.look("health") == {"status": "ok", "api_version": PINNED_API_VERSION}
        assert rig.http.get(f"{rig.url}/_control/nothing").status_code == 404
        assert rig.http.post(f"{rig.url}/_control/reset", content=b"[").status_code == 400

    def test_reset_empties_everything_but_the_first_endpoints(self, rig: Rig) -> None:
        rig.control("webhooks/endpoints", url=f"{rig.mailbox.url}/late", secret="whsec_late")
        rig.customer()
        rig.wait_for_deliveries()
        rig.control("reset")
        state = rig.state()
        assert (state["counts"], state["idempotency_keys"]) == ({"event": 0}, 0)
        assert [one["connect"] for one in rig.look("webhooks")["endpoints"]] == [False, True]
