"""Kafka's protocol as a proxy sees it: whole frames, which request each answers, and answers with another error."""

import asyncio
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

from aiokafka.protocol import commit, produce

from tests.kit.proxy import Connection, Unit, Units

PRODUCE, OFFSET_COMMIT, JOIN_GROUP, SYNC_GROUP, HEARTBEAT = 0, 8, 11, 14, 12

_ANSWERS = {
    (answer.API_KEY, answer.API_VERSION): answer
    for module in (produce, commit)
    for name, answer in vars(module).items()
    if "Response_v" in name
}


async def frames(connection: Connection, reader: asyncio.StreamReader, to_server: bool) -> Units:
    """One unit per request or answer, its length in front."""
    while True:
        head = await reader.readexactly(4)
        body = await reader.readexactly(struct.unpack(">i", head)[0])
        yield _request(connection, head + body) if to_server else _answer(connection, head + body)


def _request(connection: Connection, frame: bytes) -> Unit:
    api, version, number = struct.unpack_from(">hhi", frame, 4)
    connection.asked[number] = (api, version)
    return Unit(frame, True, api, version, number)


def _answer(connection: Connection, frame: bytes) -> Unit:
    (number,) = struct.unpack_from(">i", frame, 4)
    api, version = connection.asked.pop(number, (None, 0))
    return Unit(frame, False, api, version, number)


def with_error(code: int) -> Callable[[Unit], bytes]:
    """The answer to a Produce or an OffsetCommit, saying of every partition that it failed with `code`."""

    def change(unit: Unit) -> bytes:
        answer = _ANSWERS[unit.api, unit.version]
        decoded = answer.decode(BytesIO(unit.data[8:]))
        fields = [_failed(getattr(decoded, name), code) for name in answer.SCHEMA.names]
        body: bytes = unit.data[4:8] + answer(*fields).encode()
        return struct.pack(">i", len(body)) + body

    return change


def _failed(value: Any, code: int) -> Any:
    """Both answers hold topics as (name, [(partition, error code, ...)])."""
    if not isinstance(value, list):
        return value
    return [(topic, [(partition, code, *rest) for partition, _, *rest in partitions]) for topic, partitions in value]
