"""One trace from the lead source's own span to the installer's mail, and on to the bill."""

import json
from secrets import token_hex
from typing import Any

import pytest

from tests.flows.people import Person, new_service, submission
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system")]

SOURCE = "the lead source's own"

# Each span of the way, whose it is, and what it hangs below. What became of a mail is told below what asked for it.
WAY = {
    ("waybill-intake", "POST /leads"): SOURCE,
    ("waybill-routing", "consume lead.created"): "POST /leads",
    ("waybill-notifications", "consume assignment.created"): "consume lead.created",
    ("waybill-notifications", "mail send"): "consume assignment.created",
    ("waybill-routing", "consume message.accepted"): "consume assignment.created",
    ("waybill-intake", "consume dispatch.delivered"): "consume message.accepted",
    ("waybill-billing", "consume assignment.sent"): "consume message.accepted",
}


def _spans(running: Running, trace_id: str) -> list[dict[str, Any]]:
    """Of one trace. The file's last line may still be being written."""
    lines = running.traces_file.read_text().splitlines()
    spans = [json.loads(line) for line in lines if trace_id in line and line.endswith("}")]
    return [span for span in spans if span["context"]["trace_id"] == f"0x{trace_id}"]


def _way(spans: list[dict[str, Any]], source_span_id: str) -> dict[tuple[str, str], str | None]:
    """Each span by service and name, with the name of its parent."""
    names = {span["context"]["span_id"]: span["name"] for span in spans} | {f"0x{source_span_id}": SOURCE}
    return {
        (span["resource"]["attributes"]["service.name"], span["name"]): names.get(span["parent_id"]) for span in spans
    }


class TestTraceOfALead:
    async def test_leads_from_the_post_through_three_services_to_the_mail(self, running: Running) -> None:
        trace_id, source_span_id = token_hex(16), token_hex(8)
        service = new_service()
        installer = await running.add_installer(service)
        answer = await running.post_lead(
            submission(Person(), service), {"traceparent": f"00-{trace_id}-{source_span_id}-01"}
        )
        assert answer.status_code == 202

        async def whole_way() -> list[dict[str, Any]]:
            spans = _spans(running, trace_id)
            way = _way(spans, source_span_id)
            assert WAY.items() <= way.items(), WAY.items() - way.items()
            return spans

        spans = await running.until(whole_way)
        assert [span["name"] for span in spans if _way(spans, source_span_id)[_place(span)] is None] == []
        (mail,) = await running.mails_to(installer.email)
        # What asked for the mail, not the sending of it: a second copy is the first one to the byte.
        (asking,) = [span for span in spans if _place(span) == ("waybill-notifications", "consume assignment.created")]
        span_id = asking["context"]["span_id"].removeprefix("0x")
        assert (await running.mail(mail["id"]))["headers"]["traceparent"] == f"00-{trace_id}-{span_id}-01"

    async def test_stands_in_the_log_line_of_the_request(self, running: Running) -> None:
        trace_id = token_hex(16)
        await running.post_lead(
            submission(Person(), new_service()), {"traceparent": f"00-{trace_id}-{token_hex(8)}-01"}
        )

        async def logged() -> bool:
            lines = map(json.loads, running.log("intake").splitlines())
            return any(line.get("trace_id") == trace_id for line in lines if line["event"] == "request")

        await running.until(logged)


def _place(span: dict[str, Any]) -> tuple[str, str]:
    return span["resource"]["attributes"]["service.name"], span["name"]
