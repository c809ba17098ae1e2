import socket
import time

import httpx
import pytest
import stripe

from tests.deploy.stripe.rig import API_KEY, PATIENCE_SECONDS, Rig


def _raw_answer(rig: Rig) -> bytes:
    host, _, port = rig.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), PATIENCE_SECONDS) as line:
        line.sendall(f"GET /v1/balance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n".encode())
        return line.recv(1000)


class TestLostAnswer:
    def test_does_the_work_and_leaves_the_caller_without_an_answer(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        rig.control("faults", fault="lost_answer", method="POST", path="/v1/transfers")
        with pytest.raises(stripe.APIConnectionError):
            rig.transfer(expert.id, 500, "k", transfer_group="settlement-1")
        (found,) = rig.sdk.v1.transfers.list({"transfer_group": "settlement-1"}).data
        assert rig.transfer(expert.id, 500, "k", transfer_group="settlement-1").id == found.id
        assert rig.state()["transferred_cents"] == 500

    def test_the_sdks_own_retry_gets_the_kept_answer(self, rig: Rig) -> None:
        rig.control("faults", fault="lost_answer", path="/v1/customers")
        customer = rig.client(retries=1).v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
        assert [row.id for row in rig.sdk.v1.customers.list().data] == [customer.id]


class TestReset:
    def test_cuts_the_line_before_the_work(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        rig.control("faults", fault="reset", path="/v1/transfers")
        with pytest.raises(stripe.APIConnectionError):
            rig.transfer(expert.id, 500, "k")
        assert rig.state()["transferred_cents"] == 0
        assert rig.transfer(expert.id, 500, "k").amount == 500

    def test_is_a_tcp_reset_where_a_lost_answer_is_an_orderly_end(self, rig: Rig) -> None:
        rig.control("faults", fault="reset", path="/v1/balance")
        with pytest.raises(ConnectionResetError):
            _raw_answer(rig)
        rig.control("faults", fault="lost_answer", path="/v1/balance")
        assert _raw_answer(rig) == b""


class TestRefusals:
    def test_429_is_a_rate_limit_error(self, rig: Rig) -> None:
        rig.control("faults", fault="429")
        with pytest.raises(stripe.RateLimitError) as refusal:
            rig.sdk.v1.balance.retrieve()
        assert refusal.value.error is not None
        assert refusal.value.error.code == "rate_limit"

    def test_500_may_come_after_the_work(self, rig: Rig) -> None:
        """The answer lies: the transfer is there, and the key gives the 500 for a day."""
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        rig.control("faults", fault="500", path="/v1/transfers", work="before")
        for _attempt in range(2):
            with pytest.raises(stripe.APIError):
                rig.transfer(expert.id, 500, "k")
        assert rig.state()["transferred_cents"] == 500


class TestSlow:
    def test_answers_late_and_serves_others_meanwhile(self, rig: Rig) -> None:
        rig.control("faults", fault="slow", path="/v1/balance", seconds=0.5)
        started = time.monotonic()
        rig.sdk.v1.balance.retrieve()
        assert time.monotonic() - started >= 0.5

    def test_the_work_is_done_even_if_the_caller_has_gone(self, rig: Rig) -> None:
        rig.control("faults", fault="slow", path="/v1/customers", seconds=1.5, work="after")
        with pytest.raises(httpx.ReadTimeout):
            rig.http.post(
                f"{rig.url}/v1/customers",
                content="name=A",
                headers={"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": "k"},
                timeout=0.2,
            )
        assert rig.sdk.v1.customers.list().data == []
        rig.until(lambda: len(rig.sdk.v1.customers.list().data) == 1)


class TestOrdering:
    def test_strikes_the_next_calls_that_match_and_no_others(self, rig: Rig) -> None:
        rig.control("faults", fault="429", method="POST", path="/v1/customers*", times=2, skip=1)
        statuses = [rig.call("POST", "/v1/customers", "name=A").status_code for _ in range(5)]
        assert statuses == [200, 429, 429, 200, 200]
        assert rig.call("GET", "/v1/customers").status_code == 200

    def test_can_be_taken_back(self, rig: Rig) -> None:
        rig.control("faults", fault="429", times=100)
        rig.http.delete(f"{rig.url}/_control/faults")
        assert rig.call("GET", "/v1/balance").status_code == 200

    @pytest.mark.parametrize(
        "order",
        [{}, {"fault": "flood"}, {"fault": "429", "often": 3}, {"fault": "reset", "work": "before"}, {"fault": 429}],
    )
    def test_refuses_an_order_that_makes_no_sense(self, rig: Rig, order: dict[str, object]) -> None:
        assert rig.http.post(f"{rig.url}/_control/faults", json=order).status_code == 400
