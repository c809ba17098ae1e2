from collections.abc import Iterator

import pytest

from tests.deploy.stripe.rig import Mailbox, Rig, receiving, running


@pytest.fixture(scope="session")
def _mailbox() -> Iterator[Mailbox]:
    with receiving() as mailbox:
        yield mailbox


@pytest.fixture(scope="session")
def _running_rig(tmp_path_factory: pytest.TempPathFactory, _mailbox: Mailbox) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("stripe"), _mailbox) as rig:
        yield rig


@pytest.fixture
def rig(_running_rig: Rig) -> Iterator[Rig]:
    """As just started: nothing in it, the clock unmoved, the mailbox empty."""
    yield _running_rig
    _running_rig.mailbox.refusals_left = 0
    _running_rig.wait_for_deliveries()
    _running_rig.clock_file.unlink(missing_ok=True)
    _running_rig.control("reset")
    _running_rig.mailbox.clear()
