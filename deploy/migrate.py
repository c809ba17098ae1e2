"""Migrates every database that is named: by `DATABASE_URL_<SERVICE>`, else by the running local system."""

import json
import os
import sys
from pathlib import Path

from chassis import migrate
from chassis.errors import NoDatabase
from deploy import SERVICES

ENDPOINTS = Path(__file__).resolve().parent.parent / "var" / "endpoints.json"


def main() -> None:
    if not any(f"DATABASE_URL_{service.upper()}" in os.environ for service in SERVICES):
        _take_from_running_system()
    for service in SERVICES:
        try:
            migrate.upgrade(migrate.from_environment(service))
        except NoDatabase as missing:
            sys.exit(f"migrate: {missing}")
        print(f"{service}: at head")


def _take_from_running_system() -> None:
    if not ENDPOINTS.exists():
        sys.exit("migrate: set DATABASE_URL_<SERVICE> for each service, or start the local system with `make up`")
    for service, addresses in json.loads(ENDPOINTS.read_text())["services"].items():
        os.environ[f"DATABASE_URL_{service.upper()}"] = addresses["database_url"]
        os.environ[f"DATABASE_OWNER_URL_{service.upper()}"] = addresses["database_owner_url"]


if __name__ == "__main__":
    main()
