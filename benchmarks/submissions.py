"""What is sent to POST /leads: leads as their sources hand them in, all different."""

import json
from collections.abc import Iterator
from itertools import count
from random import Random
from zlib import crc32

from benchmarks.people import somebody
from contracts.values import SelectedPath

MOBILES = 4 * 10**7
"""All of the plan's numbers from 0400 000 000 on; above them are gaps, which intake refuses."""


def submissions(run: str, path: SelectedPath | None = None) -> Iterator[bytes]:
    """Bodies of `POST /leads` without end; `run` keeps the keys of two runs apart. Without `path` there are both."""
    for number in count():
        yield json.dumps(submission(run, number, path)).encode()


def submission(run: str, number: int, path: SelectedPath | None = None) -> dict[str, object]:
    """Every person of every run has a telephone, a mailbox and a house of their own: nobody is held for another."""
    usual = SelectedPath.COMPARE_QUOTES if number % 3 else SelectedPath.RECOMMENDED_INSTALLER
    person = somebody(Random(f"{run}-{number}"), number)  # noqa: S311  # made, not secret
    return {
        "client_submission_key": f"{run}-{number:09d}",
        "selected_path": path or usual,
        "service": "solar-battery",
        "name": person.name,
        "email": f"{run}.{number:09d}.{person.email_match}",
        "phone": f"04{(crc32(run.encode()) + number) % MOBILES:08d}",
        "address": {
            "street": f"{number + 1}/{person.street}",
            "suburb": "Marrickville",
            "state": "NSW",
            "postcode": person.postcode,
        },
        "consent": {"text": "I agree to be called about quotes.", "url": "https://quotes.example/solar"},
    }
