"""Rows of the crates chosen for a deed, and the deed confirmed, as a person does it on the pages."""

from http import HTTPStatus
from typing import Any

import httpx

from tests.console.crates import PATH, House


async def choose(house: House, **fields: Any) -> str:
    """The job's page, after the rows were chosen."""
    answer = await house.post("bulk", action="ship", **fields)
    assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
    return answer.headers["location"]


async def confirm(house: House, job: str, **fields: Any) -> httpx.Response:
    return await house.post(f"{job.removeprefix(PATH + '/')}/ship", **{"reason": "The ship is here", **fields})


async def choose_to_reprice(house: House, *names: str) -> str:
    ids = await house.pack(*names)
    answer = await house.post("bulk", action="reprice", ids=[str(id_) for id_ in ids])
    return str(answer.headers["location"])
