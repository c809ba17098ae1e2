from pathlib import Path

import pytest

from deploy.local.stripe.app import Simulator
from deploy.local.stripe.control import ControlRoutes
from deploy.local.stripe.settings import EndpointAddress, Settings
from deploy.local.stripe.transport import Request


class TestSettings:
    def test_takes_webhooks_of_both_kinds_from_environment_and_command_line(self) -> None:
        environment = {"STRIPE_WEBHOOKS": "http://a.example/x=s1", "WAYBILL_CLOCK_FILE": "var/clock"}
        arguments = ["--webhook", "http://b.example/?q=1=s2", "--webhook-connect", "http://c.example=s3"]
        settings = Settings.read(arguments, environment)
        assert settings.webhooks == (
            EndpointAddress("http://a.example/x", "s1", connect=False),
            EndpointAddress("http://b.example/?q=1", "s2", connect=False),
            EndpointAddress("http://c.example", "s3", connect=True),
        )
        assert settings.clock_file == Path("var/clock")

    @pytest.mark.parametrize("entry", ["http://a.example=", "http://a.example", "ftp://a.example=s", "=s"])
    def test_refuses_an_endpoint_without_address_or_secret(self, entry: str) -> None:
        with pytest.raises(SystemExit):
            Settings.read(["--webhook", entry], {})


class TestControlRoutes:
    @pytest.mark.parametrize(("caller", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.0.0.5", 403), ("", 403)])
    def test_answer_this_machine_alone(self, caller: str, status: int) -> None:
        routes = ControlRoutes(Simulator(Settings.read([], {})))
        request = Request("GET", "/_control/health", b"", {}, b"", caller)
        assert routes.answer(request).status == status
