from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.deploy.stripe.rig import Mailbox, receiving, running

REQUESTS = 1_000


@pytest.mark.slow
class TestSize:
    def test_stays_small_and_answers_hundreds_a_second(self, tmp_path: Path) -> None:
        """Measured in the server's own processor time, so that a busy machine does not fail it."""
        with receiving() as mailbox:
            self._measure(tmp_path, mailbox)

    def _measure(self, directory: Path, mailbox: Mailbox) -> None:
        with running(directory, mailbox) as rig:
            process = psutil.Process(rig.process.pid)
            rig.control("balance/top_up", amount=REQUESTS)
            form = f"amount=1&currency=aud&destination={rig.expert().id}"
            before = process.cpu_times()
            for number in range(REQUESTS):
                assert rig.call("POST", "/v1/transfers", form, Idempotency_Key=str(number)).status_code == 200
            after = process.cpu_times()
            rig.wait_for_deliveries()
            used_seconds = after.user + after.system - before.user - before.system
            assert used_seconds / REQUESTS < 1 / 300
            assert process.memory_info().rss < 100 * 1024 * 1024
