"""The compose file as `docker compose config` reads it."""

import pytest

from deploy.checks.compose import Uncomposed, example, load


class TestTheFile:
    @pytest.mark.parametrize(
        "missing", ["DATABASE_PASSWORD", "IDENTITY_KEY_SECRET", "ROUTING_KEY_SECRET", "SMTP_URL", "GRAFANA_PASSWORD"]
    )
    def test_is_refused_where_a_secret_is_not_set(self, missing: str) -> None:
        given = {name: setting for name, setting in example().items() if name != missing}
        with pytest.raises(Uncomposed, match=rf"{missing} is missing a value: set it in deploy/\.env"):
            load(given)
