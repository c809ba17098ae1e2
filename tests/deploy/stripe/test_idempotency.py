import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.deploy.stripe.rig import Rig


def _headers(answer: object) -> dict[str, str]:
    response = getattr(answer, "last_response")  # noqa: B009
    return {name.lower(): value for name, value in response.headers.items()}


class TestSameKeySameParameters:
    def test_gives_the_first_answer_again_and_says_so(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        first = rig.transfer(expert.id, 4_000, "transfer:1:1")
        again = rig.transfer(expert.id, 4_000, "transfer:1:1")
        assert first.id == again.id
        assert rig.state()["transferred_cents"] == 4_000
        assert "idempotent-replayed" not in _headers(first)
        assert _headers(again)["idempotent-replayed"] == "true"
        assert _headers(again)["original-request"] == _headers(first)["request-id"]
        assert _headers(again)["request-id"] != _headers(first)["request-id"]

    def test_gives_the_first_body_even_when_the_object_has_changed_since(self, rig: Rig) -> None:
        form = "name=Early"
        first = rig.call("POST", "/v1/customers", form, Idempotency_Key="c1")
        rig.sdk.v1.customers.update(first.json()["id"], {"name": "Late"})
        assert rig.call("POST", "/v1/customers", form, Idempotency_Key="c1").content == first.content

    def test_the_order_of_the_parameters_does_not_matter(self, rig: Rig) -> None:
        first = rig.call("POST", "/v1/customers", "name=A&email=a@a.example", Idempotency_Key="c1")
        again = rig.call("POST", "/v1/customers", "email=a@a.example&name=A", Idempotency_Key="c1")
        assert again.content == first.content

    def test_a_refusal_of_the_endpoint_is_kept_too(self, rig: Rig) -> None:
        """The poisoned key: money has come since, and the key still says that there is none."""
        expert = rig.expert()
        with pytest.raises(stripe.InvalidRequestError) as first:
            rig.transfer(expert.id, 500, "transfer:1:1")
        rig.control("balance/top_up", amount=10_000)
        with pytest.raises(stripe.InvalidRequestError) as again:
            rig.transfer(expert.id, 500, "transfer:1:1")
        assert (first.value.code, again.value.code) == ("balance_insufficient", "balance_insufficient")
        assert rig.transfer(expert.id, 500, "transfer:1:2").amount == 500

    def test_a_500_is_kept_too(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        rig.control("faults", fault="500", path="/v1/transfers")
        for _attempt in range(2):
            with pytest.raises(stripe.APIError) as failure:
                rig.transfer(expert.id, 500, "transfer:1:1")
            assert failure.value.http_status == 500
        assert rig.state()["transferred_cents"] == 0
        assert [one["replayed"] for one in rig.look("requests")["requests"][-2:]] == [False, True]

    def test_the_sdk_does_not_retry_a_kept_500(self, rig: Rig) -> None:
        rig.control("faults", fault="500", path="/v1/customers")
        with pytest.raises(stripe.APIError):
            rig.client(retries=2).v1.customers.create({"name": "A"})
        assert len(rig.look("requests")["requests"]) == 1


class TestSameKeyOtherRequest:
    def test_refuses_other_parameters(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        rig.transfer(expert.id, 500, "k")
        with pytest.raises(stripe.IdempotencyError) as refusal:
            rig.transfer(expert.id, 501, "k")
        assert refusal.value.http_status == 400
        assert refusal.value.error is not None
        assert refusal.value.error.type == "idempotency_error"
        assert rig.state()["transferred_cents"] == 500

    def test_refuses_another_endpoint(self, rig: Rig) -> None:
        rig.sdk.v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
        with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
            rig.sdk.v1.tax_rates.create(
                {"display_name": "GST", "percentage": 10, "inclusive": False}, {"idempotency_key": "k"}
            )

    def test_refuses_a_key_of_256_characters(self, rig: Rig) -> None:
        assert rig.call("POST", "/v1/customers", "name=A", Idempotency_Key="k" * 256).status_code == 400
        assert rig.call("POST", "/v1/customers", "name=A", Idempotency_Key="k" * 255).status_code == 200

    def test_reads_pay_no_heed_to_a_key(self, rig: Rig) -> None:
        assert rig.call("GET", "/v1/customers", Idempotency_Key="k").status_code == 200
        assert rig.call("POST", "/v1/customers", "name=A", Idempotency_Key="k").status_code == 200


class TestNothingIsKept:
    def test_for_parameters_that_fail_validation(self, rig: Rig) -> None:
        first = rig.call("POST", "/v1/customers", "colour=red", Idempotency_Key="k")
        assert first.json()["error"]["code"] == "parameter_unknown"
        assert rig.call("POST", "/v1/customers", "name=A", Idempotency_Key="k").status_code == 200

    def test_for_a_wrong_api_key(self, rig: Rig) -> None:
        refused = rig.call("POST", "/v1/customers", "name=A", Idempotency_Key="k", Authorization="Bearer sk_test_wrong")
        assert refused.status_code == 401
        assert rig.call("POST", "/v1/customers", "name=A", Idempotency_Key="k").status_code == 200

    @pytest.mark.parametrize("fault", ["409", "429"])
    def test_for_conflicts_and_rate_limits(self, rig: Rig, fault: str) -> None:
        rig.control("faults", fault=fault, path="/v1/customers")
        assert rig.call("POST", "/v1/customers", "name=A", Idempotency_Key="k").status_code == int(fault)
        answer = rig.call("POST", "/v1/customers", "name=A", Idempotency_Key="k")
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


class TestConcurrentRequests:
    def test_refuses_the_second_while_the_first_executes(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        rig.control("faults", fault="slow", path="/v1/transfers", seconds=1.5, work="after")
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(rig.transfer, expert.id, 500, "k")
            rig.until(lambda: rig.look("faults")["faults"][0]["struck"] == 1)
            with pytest.raises(stripe.APIError) as conflict:
                rig.transfer(expert.id, 500, "k")
            assert conflict.value.http_status == 409
            assert conflict.value.error is not None
            assert conflict.value.error.code == "idempotency_key_in_use"
            first = slow.result()
        assert rig.transfer(expert.id, 500, "k").id == first.id
        assert rig.state()["transferred_cents"] == 500

    def test_the_sdk_retries_a_conflict_until_it_has_the_first_answer(self, rig: Rig) -> None:
        rig.control("faults", fault="409", path="/v1/customers")
        assert rig.client(retries=1).v1.customers.create({"name": "A"}, {"idempotency_key": "k"}).name == "A"

    def test_a_hundred_at_once_make_one_transfer(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=1_000_000)
        expert = rig.expert()
        form = f"amount=700&currency=aud&destination={expert.id}"
        barrier = threading.Barrier(20)

        def send() -> list[int]:
            barrier.wait()
            return [rig.call("POST", "/v1/transfers", form, Idempotency_Key="k").status_code for _ in range(5)]

        with ThreadPoolExecutor(20) as pool:
            statuses = [status for sent in [pool.submit(send) for _ in range(20)] for status in sent.result()]
        assert set(statuses) <= {200, 409}
        assert rig.state()["transferred_cents"] == 700


class TestPruning:
    def test_a_key_is_forgotten_once_it_is_24_hours_old(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        first = rig.transfer(expert.id, 500, "k")
        rig.move_clock(hours=23, minutes=59)
        assert rig.transfer(expert.id, 500, "k").id == first.id
        rig.move_clock(minutes=1, seconds=1)
        second = rig.transfer(expert.id, 500, "k")
        assert second.id != first.id
        assert second.created - first.created > 24 * 3600
        assert rig.state()["transferred_cents"] == 1_000

    def test_a_forgotten_key_may_be_used_for_anything(self, rig: Rig) -> None:
        rig.sdk.v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
        rig.move_clock(hours=25)
        assert rig.sdk.v1.customers.create({"name": "B"}, {"idempotency_key": "k"}).name == "B"
