"""`python -m deploy.local up | down | status | clock [--to INSTANT]`."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from chassis.clock import ShiftedClock
from deploy.local.addresses import read_endpoints
from deploy.local.paths import ENDPOINTS, VAR
from deploy.local.running import KEEPER, AlreadyRunning, NotStarted, is_kept, read_state, start_keeper, stop_keeper


class Refused(Exception):
    """What was asked for cannot be; one line that says why."""


def up(keeper_module: str) -> None:
    try:
        if is_kept():
            raise AlreadyRunning
        start_keeper(lambda line: print(f"  {line}", flush=True), keeper_module)
    except AlreadyRunning:
        print("Waybill is already running; `python -m deploy.local status` shows where.")
        return
    except NotStarted as failed:
        raise Refused(f"Waybill did not start: {failed}") from failed
    show_addresses(_endpoints())


def down() -> None:
    print("Waybill is stopped." if stop_keeper() else "Waybill was not running.")


def status() -> None:
    state = read_state()
    if state is None:
        raise Refused("Waybill is not running.")
    for name, process in state["processes"].items():
        restarts = f"  started anew {process['restarts']} times" if process["restarts"] else ""
        print(f"{name:15} pid {process['pid']:<8} {process['log']}{restarts}")
    show_addresses(_endpoints())


def show_addresses(endpoints: dict[str, Any]) -> None:
    addresses = {name: service["url"] for name, service in endpoints["services"].items()}
    addresses["mailbox"] = endpoints["mailbox_url"]
    addresses["mail server"] = endpoints["smtp"]["url"]
    addresses["stripe"] = endpoints["stripe"]["url"] if endpoints["stripe"] else None
    addresses["kafka"] = endpoints["kafka"]["bootstrap_servers"]
    for name, address in addresses.items():
        print(f"{name:15} {address or 'not ours'}")
    for operator in endpoints["operators"]:
        print(f"{operator['role']:15} {operator['email']}  {operator['password']}  {operator['totp_secret']}")
    print(f"all of it in {ENDPOINTS.relative_to(VAR.parent)}")


def clock(to: str | None) -> None:
    """Reads business time, or moves it forward; without an offset the instant is in the business time zone."""
    endpoints = _endpoints()
    if endpoints["clock_file"] is None:
        raise Refused(f"time is moved in a local system only, and this one is {endpoints['environment']}")
    shifted = ShiftedClock(Path(endpoints["clock_file"]))
    if to is not None:
        try:
            shifted.move_to(_instant(to))
        except ValueError as wrong:
            raise Refused(str(wrong)) from wrong
    print(shifted.now().astimezone(_zone()).isoformat(timespec="seconds"))


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=_zone())


def _zone() -> ZoneInfo:
    return ZoneInfo(os.environ.get("BUSINESS_TIME_ZONE", "Australia/Sydney"))


def _endpoints() -> dict[str, Any]:
    """Of a system that is ready; a crashed one's are not taken for it."""
    is_running = is_kept()
    endpoints = read_endpoints() if is_running else None
    if endpoints is None:
        raise Refused("Waybill is still starting." if is_running else "Waybill is not running.")
    return endpoints


def main(arguments: Sequence[str] | None = None, keeper_module: str = KEEPER) -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the whole system and leave it running")
    commands.add_parser("down", help="stop it and remove its data")
    commands.add_parser("status", help="what runs, and where")
    clock_parser = commands.add_parser("clock", help="read business time, or move it forward")
    clock_parser.add_argument(
        "--to", metavar="INSTANT", help="2026-12-01T09:00, in the business time zone or with +11:00"
    )
    options = parser.parse_args(arguments)
    try:
        match options.command:
            case "up":
                up(keeper_module)
            case "down":
                down()
            case "status":
                status()
            case _:
                clock(options.to)
    except Refused as refused:
        print(refused, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
