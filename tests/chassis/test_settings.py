"""What the environment says wrongly ends a program with one line, whatever the program and whatever it would do."""

from importlib import import_module

import pytest
from pydantic import ValidationError

from chassis.process import run
from chassis.settings import ServiceSettings
from deploy import SERVICES

SOMEWHERE = "postgresql://nobody@127.0.0.1:9/none"
NO_URLS = (
    "",
    "nowhere",
    "127.0.0.1:5432",
    "postgresql://nobody:s3cret@127.0.0.1:port/none",
    "mysql://nobody@x/none",
    "postgresql://x:65536/none",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_KEY_SECRET", "what seals nothing, as nothing is served")
    for service in SERVICES:
        monkeypatch.setenv(f"DATABASE_URL_{service.upper()}", SOMEWHERE)


def refused(service: str, command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The line on stderr, the only one, and nothing on stdout."""
    with pytest.raises(SystemExit) as end:
        run(service, import_module(f"services.{service}.main").build, [command])
    printed = capsys.readouterr()
    assert (end.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    return printed.err


class TestTimeZone:
    @pytest.mark.parametrize(
        "name", ["Mars/Olympus", "Sydney", "Australia", "../etc/passwd", "/etc/localtime", "", "\0"]
    )
    def test_that_there_is_not_is_refused(self, name: str) -> None:
        with pytest.raises(ValidationError, match="time_zone_unknown"):
            ServiceSettings(database_url=SOMEWHERE, business_time_zone=name)

    @pytest.mark.parametrize("service", SERVICES)
    def test_that_there_is_not_ends_the_program_with_one_line(
        self, service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("BUSINESS_TIME_ZONE", "Mars/Olympus")
        told = refused(service, "openapi", capsys)
        assert told.startswith(f"{service}: BUSINESS_TIME_ZONE: ")
        assert "Mars" not in told


class TestDatabaseUrl:
    @pytest.mark.parametrize("url", NO_URLS)
    def test_that_is_none_is_refused_and_not_repeated(self, url: str) -> None:
        with pytest.raises(ValidationError, match="database_url_invalid") as invalid:
            ServiceSettings(database_url=url)
        assert "s3cret" not in str(invalid.value)

    @pytest.mark.parametrize("url", [SOMEWHERE, "postgres://waybill@db/billing", "postgresql+asyncpg://db/billing"])
    def test_is_taken_with_any_name_of_postgresql(self, url: str) -> None:
        assert ServiceSettings(database_url=url).database_url.get_secret_value() == url

    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize("command", ["openapi", "migrate", "check"])
    def test_that_is_none_ends_the_program_with_one_line(
        self, service: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv(f"DATABASE_URL_{service.upper()}", NO_URLS[3])
        told = refused(service, command, capsys)
        assert f"DATABASE_URL_{service.upper()}" in told
        assert "s3cret" not in told
