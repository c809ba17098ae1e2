"""The document that every service publishes, and schemathesis, which believes it."""

from typing import Any

import httpx
import pytest
from litestar import get

from chassis.database import Database
from chassis.http import public
from chassis.http.openapi import openapi_document
from tests.chassis.http import example
from tests.chassis.http.fuzzing import faults_found

pytestmark = pytest.mark.slow


@pytest.fixture
def document(no_database: Database) -> dict[str, Any]:
    return openapi_document(example.build(no_database, None))


def statuses(document: dict[str, Any], path: str, method: str) -> set[str]:
    return set(document["paths"][path][method]["responses"])


class TestDocument:
    def test_is_the_same_each_time(self, document: dict[str, Any], no_database: Database) -> None:
        assert openapi_document(example.build(no_database, None)) == document

    def test_is_what_the_service_publishes(self, document: dict[str, Any], client: httpx.Client) -> None:
        answer = client.get("/schema/openapi.json")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == document

    def test_leaves_out_what_the_platform_asks(self, document: dict[str, Any]) -> None:
        assert not [path for path in document["paths"] if path.startswith(("/health", "/metrics", "/schema"))]

    def test_names_operations_after_their_handlers(self, document: dict[str, Any]) -> None:
        assert document["paths"]["/things"]["post"]["operationId"] == "make_thing"

    def test_refuses_two_operations_of_one_name(self, no_database: Database) -> None:
        @get("/other", name="other", guards=[public("a test asks")], operation_id="make_thing")
        async def other() -> None: ...

        app = example.build(no_database, None, [*example.ROUTES, other])
        with pytest.raises(ValueError, match="both called make_thing"):
            openapi_document(app)

    def test_tells_what_a_guarded_operation_may_answer(self, document: dict[str, Any]) -> None:
        assert statuses(document, "/things", "post") == {
            *("200", "201", "400", "401", "403", "409", "413", "415", "422", "429", "503", "default")
        }

    def test_tells_what_a_public_one_may_answer(self, document: dict[str, Any]) -> None:
        assert statuses(document, "/cause", "get") == {"200", "422", "429", "503", "default"}

    def test_tells_the_capability(self, document: dict[str, Any]) -> None:
        operation = document["paths"]["/things/{thing_id}"]["delete"]
        assert (operation["x-capability"], operation["x-step-up"]) == ("manage_billing_ops", True)
        assert operation["security"] == [{"operator": []}]

    def test_tells_the_constraints_of_bodies_and_parameters(self, document: dict[str, Any]) -> None:
        body = document["components"]["schemas"]["MakeThing"]
        assert body["additionalProperties"] is False
        assert body["properties"]["name"]["maxLength"] == 200
        shown = {parameter["name"]: parameter for parameter in document["paths"]["/things"]["get"]["parameters"]}
        assert shown["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        assert shown["colour"]["schema"] == {"type": "string", "enum": ["red", "blue"], "title": "Colour"}
        assert shown["tag"]["schema"]["maxItems"] == 3

    def test_knows_answers_of_other_media_types(self, document: dict[str, Any]) -> None:
        assert document["paths"]["/labels/{name}"]["get"]["responses"]["200"]["content"] == {"text/plain": {}}


class TestEveryOperation:
    def test_answers_as_documented_whatever_is_sent(self, address: str, operator: dict[str, str]) -> None:
        # They want a database, and this service's is away.
        faults = faults_found(address, operator, leave_out=["/fail", "/admin/activity", "/admin/activity/{entry_id}"])
        assert not faults, "\n".join(faults)
