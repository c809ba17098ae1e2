"""Logs: JSON lines on stdout, ours and the libraries' alike, with the ids of the request or event they are about."""

import json
import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import PurePath
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

import msgspec
import structlog
from structlog.typing import Processor

from chassis.causation import current_cause
from chassis.telemetry.context import current_request
from chassis.telemetry.privacy import masked, masked_text, told_fault
from chassis.telemetry.traces import current_ids

Line = MutableMapping[str, Any]
_encode = msgspec.json.Encoder().encode

# The libraries speak when something is wrong; uvicorn says also when it starts and stops.
_LIBRARY_LEVEL = logging.WARNING
_TALKERS = {
    "uvicorn": logging.INFO,
    "uvicorn.error": logging.INFO,
    "aiokafka.consumer.group_coordinator": logging.ERROR,
}


def start_logging(service: str, level: str, stream: TextIO | None = None) -> None:
    """Once per process; whatever was configured before is replaced."""
    global _plain_line  # noqa: PLW0603  # one per process, as structlog's configuration is
    writer = structlog.WriteLogger(stream or sys.stdout)
    stamp = _stamped(service)
    _plain_line = None if logging.getLevelNamesMapping()[level.upper()] > logging.INFO else _plain_writer(stamp, writer)
    first: list[Processor] = [_mask, _tell_fault, _add_ids, stamp]
    structlog.configure(
        processors=[structlog.processors.add_log_level, *first, _as_json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: writer,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [LibraryHandler(writer, [*first, _as_json])]
    root.setLevel(_LIBRARY_LEVEL)
    for name, talker_level in _TALKERS.items():
        logging.getLogger(name).handlers = []
        logging.getLogger(name).setLevel(talker_level)
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _log_the_last


_plain_line: Callable[[Line], None] | None = None


def tell_plainly(event: str, **fields: str | float | None) -> None:
    """A line of level info whose fields hold nothing of a person by what they are: it is not searched for such.

    For the one line that every request writes.
    """
    if _plain_line is not None:
        _plain_line({"event": event, "level": "info", **fields})


def _plain_writer(stamp: Processor, writer: structlog.WriteLogger) -> Callable[[Line], None]:
    def write(line: Line) -> None:
        writer.msg(_encode(stamp(None, "info", _add_ids(None, "info", line))).decode())

    return write


class LibraryHandler(logging.Handler):
    """Sends the records of the standard library's logging down the same road as our own lines."""

    def __init__(self, writer: structlog.WriteLogger, processors: list[Processor]) -> None:
        super().__init__()
        self._writer = writer
        self._processors = processors

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line: Any = {
                "event": masked_text(record.getMessage()),
                "level": record.levelname.lower(),
                "logger": record.name,
            }
            if record.exc_info and record.exc_info[1] is not None:
                line["exc_info"] = record.exc_info
            for process in self._processors:
                line = process(None, record.levelname.lower(), line)
            self._writer.msg(line)
        except Exception:
            self.handleError(record)


def _mask(_logger: Any, _method: str, line: Line) -> Line:
    kept = {key: line[key] for key in ("event", "level", "logger", "exc_info") if key in line}
    return masked({key: value for key, value in line.items() if key not in kept}) | kept


def _tell_fault(_logger: Any, _method: str, line: Line) -> Line:
    fault = _fault_of(line.pop("exc_info", None))
    if fault is not None:
        line["trace"] = told_fault(fault)
    return line


def _fault_of(exc_info: Any) -> BaseException | None:
    """In the three forms that logging takes: the exception, the triple, or True for the current one."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _add_ids(_logger: Any, _method: str, line: Line) -> Line:
    request = current_request()
    cause = current_cause()
    trace = current_ids()
    ids = {
        "request_id": request.request_id if request else None,
        "operator_id": request.operator_id if request else None,
        "correlation_id": cause.correlation_id if cause else None,
        "trace_id": trace[0] if trace else None,
        "span_id": trace[1] if trace else None,
    }
    line.update({name: value for name, value in ids.items() if value is not None})
    return line


def _stamped(service: str) -> Processor:
    def stamp(_logger: Any, _method: str, line: Line) -> Mapping[str, Any]:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        head = {"time": now, "level": line.pop("level", ""), "service": service, "event": line.pop("event", "")}
        return {**head, **line}

    return stamp


def _as_json(_logger: Any, _method: str, line: Line) -> str:
    return json.dumps(line, default=_plain)


def _plain(value: Any) -> str:
    """Of an object nobody meant to log, its type alone."""
    if isinstance(value, UUID | datetime | date | Decimal | PurePath):
        return str(value)
    return type(value).__name__


def _log_the_last(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger(__name__).critical("process_failed", exc_info=(kind, fault, trace))
