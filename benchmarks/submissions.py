"""What is sent to POST /leads: leads as their sources hand them in, all different."""

import json
from collections.abc import Iterator
from itertools import count

from contracts.values import SelectedPath


def submissions(run: str, path: SelectedPath | None = None) -> Iterator[bytes]:
    """Bodies of `POST /leads` without end; `run` keeps the keys of two runs apart. Without `path` there are both."""
    for number in count():
        yield json.dumps(submission(run, number, path)).encode()


def submission(run: str, number: int, path: SelectedPath | None = None) -> dict[str, object]:
    """Every person has a telephone and an address of their own, so that nothing can be answered from a memory."""
    usual = SelectedPath.COMPARE_QUOTES if number % 3 else SelectedPath.RECOMMENDED_INSTALLER
    return {
        "client_submission_key": f"{run}-{number:09d}",
        "selected_path": path or usual,
        "service": "solar-battery",
        "name": f"Mia O'Brien {number:09d}",
        "email": f"mia.obrien.{number:09d}@Example.com",
        "phone": f"0412 {number // 1000 % 1000:03d} {number % 1000:03d}",
        "address": {
            "street": f"{number % 900 + 100} Cadogan Street",
            "suburb": "Marrickville",
            "state": "NSW",
            "postcode": "2204",
        },
        "consent": {"text": "I agree to be called about quotes.", "url": "https://quotes.example/solar"},
    }
