"""Handing a lead in over HTTP with what its source says of the consent."""

import pytest

from tests.intake.desk import Desk, faults
from tests.intake.samples import submission


class TestWhatTheSourceSays:
    async def test_keeps_when_and_from_where_the_person_agreed_as_what_the_source_says(self, http: Desk) -> None:
        said = {"given_at": "2026-03-03T13:14:50+11:00", "remote_address": "2001:DB8::7"}
        key = await http.new_source()
        body = submission(consent=submission()["consent"] | said)
        lead_id = (await http.submit(key, body)).json()["id"]
        consent = (await http.get(f"/admin/leads/{lead_id}"))["consent"]
        assert (consent["asserted_given_at"], consent["asserted_remote_address"]) == (
            "2026-03-03T02:14:50Z",
            "2001:db8::7",
        )
        assert (consent["given_at"], consent["remote_address"]) == ("2026-03-03T02:15:04Z", "203.0.113.9")
        assert (await http.submit(key, body)).headers["Idempotent-Replayed"] == "true"
        other = await http.submit(key)
        assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (409, "submission_key_reused")

    @pytest.mark.parametrize(
        ("field", "value", "code"),
        [("given_at", "2026-03-03T13:14:50", "instant_invalid"), ("remote_address", "home", "address_invalid")],
    )
    async def test_refuses_what_is_no_instant_and_no_address(
        self, http: Desk, field: str, value: str, code: str
    ) -> None:
        body = submission(consent=submission()["consent"] | {field: value})
        answer = await http.submit(await http.new_source(), body)
        assert answer.status_code == 422
        assert faults(answer) == {f"consent.{field}": code}
