"""Fixtures of payouts: the Stripe simulator, and a board with its experts."""

from collections.abc import Iterator

import pytest

from tests.deploy.stripe.rig import Rig, receiving, running


@pytest.fixture(scope="session")
def _stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with receiving() as mailbox, running(tmp_path_factory.mktemp("stripe"), mailbox) as rig:
        yield rig


@pytest.fixture
def stripe_rig(_stripe: Rig) -> Iterator[Rig]:
    """The simulator, with nothing in it."""
    yield _stripe
    _stripe.clock_file.unlink(missing_ok=True)
    _stripe.control("reset")
