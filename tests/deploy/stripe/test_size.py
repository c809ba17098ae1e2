from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.deploy.stripe.rig import Rig, receiving, running

REQUESTS = 500
LOOKS = 4
"""So many times as many looks are counted: the kernel tells processor time in hundredths of a second."""
MOST_TIMES_A_LOOK = 10
"""A transfer is told to the webhooks, signed, and a look is not."""
MOST_TIMES_AT_THE_BEGINNING = 1.5


@pytest.mark.slow
class TestSize:
    def test_stays_small_and_as_fast_as_at_the_beginning(self, tmp_path: Path) -> None:
        """In the server's own processor time, and beside its own cheapest answer: no machine's speed fails it."""
        with receiving() as mailbox, running(tmp_path, mailbox) as rig:
            rig.control("balance/top_up", amount=2 * REQUESTS)
            expert_id = rig.expert().id
            look_seconds = self._used_by_looks(rig)
            first_seconds = self._used_by_transfers(rig, expert_id, "first")
            last_seconds = self._used_by_transfers(rig, expert_id, "last")
            rig.wait_for_deliveries()
            assert first_seconds < MOST_TIMES_A_LOOK * look_seconds
            assert last_seconds < MOST_TIMES_AT_THE_BEGINNING * first_seconds
            assert psutil.Process(rig.process.pid).memory_info().rss < 100 * 1024 * 1024

    def _used_by_looks(self, rig: Rig) -> float:
        before = _used_seconds(rig)
        for _ in range(LOOKS * REQUESTS):
            assert rig.call("GET", "/v1/balance").status_code == 200
        return (_used_seconds(rig) - before) / LOOKS

    def _used_by_transfers(self, rig: Rig, expert_id: str, name: str) -> float:
        form = f"amount=1&currency=aud&destination={expert_id}"
        before = _used_seconds(rig)
        for number in range(REQUESTS):
            key = f"{name}-{number}"
            assert rig.call("POST", "/v1/transfers", form, Idempotency_Key=key).status_code == 200
        return _used_seconds(rig) - before


def _used_seconds(rig: Rig) -> float:
    times = psutil.Process(rig.process.pid).cpu_times()
    return float(times.user + times.system)
