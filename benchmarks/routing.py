"""Routing with 500 installers over eight states, and leads for them: what its figures are measured with."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from benchmarks.stage import Stage
from chassis.ids import new_id
from contracts.intake import LeadCreated
from contracts.values import AustralianState, LeadContact, Location, SelectedPath
from deploy.local.paths import ROOT
from deploy.local.postgres import ServiceDatabase, create_database, create_role
from services.routing.commands.installers import AddInstaller
from services.routing.domain.places import POSTCODES
from services.routing.domain.profile import Particulars, PostcodeRange, Territory
from services.routing.domain.windows import Limits

SERVICE = "routing"
WORK = "solar-battery"
STATES = tuple(AustralianState)
SOURCE_ID = UUID("0199a000-0000-7000-8000-000000000050")


class Bench:
    """Who sets it all up, as the audit has it."""

    id = UUID("0199a000-0000-7000-8000-00000000be4c")
    name = "Bench"


def migrated(stage: Stage, name: str) -> ServiceDatabase:
    """A new database of routing, by its own migrations."""
    address = stage.postgres().address
    create_role(address, SERVICE)
    database = create_database(address, SERVICE, name)
    command = [sys.executable, "-m", f"services.{SERVICE}", "migrate"]
    subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "WAYBILL_ENVIRONMENT": "local", **database.environment()},
        check=True,
        capture_output=True,
    )
    return database


def installers(number: int) -> list[AddInstaller]:
    """Spread over the states evenly; a third also has ranges, half have caps, all of them do the same work."""
    random = Random(17)  # noqa: S311  # the same every time
    return [_installer(place, random) for place in range(number)]


def _installer(place: int, random: Random) -> AddInstaller:
    state = STATES[place % len(STATES)]
    ranges = tuple(POSTCODES[state][:1]) if place % 3 == 0 else ()
    limits = Limits(day=random.randint(40, 90), month=random.randint(400, 900)) if place % 2 else Limits()
    return AddInstaller(
        installer_id=new_id(),
        particulars=Particulars(
            name=f"Installer {place}",
            abn=None,
            gst_registered=True,
            email=f"leads-{place}@installers.example",
            billing_email=f"accounts-{place}@installers.example",
            billing_address=None,
            phone=None,
            time_zone="Australia/Perth" if state is AustralianState.WA else "Australia/Sydney",
            services=(WORK,),
        ),
        by=Bench(),
        limits=limits,
        territory=Territory(frozenset({state}), ranges),
    )


def leads(number: int) -> list[LeadCreated]:
    """From all over, one in three of them shared."""
    random = Random(18)  # noqa: S311  # the same every time
    return [_lead(place, random) for place in range(number)]


def _lead(place: int, random: Random) -> LeadCreated:
    state = STATES[place % len(STATES)]
    held: PostcodeRange = random.choice(POSTCODES[state])
    path = SelectedPath.COMPARE_QUOTES if place % 3 == 0 else SelectedPath.RECOMMENDED_INSTALLER
    lead_id = new_id()
    return LeadCreated(
        lead_id=lead_id,
        source_id=SOURCE_ID,
        selected_path=path,
        service=WORK,
        location=Location(
            suburb="Marrickville", state=state, postcode=f"{random.randint(int(held.first), int(held.last)):04}"
        ),
        contact=LeadContact(
            name="Mia O'Brien", email=f"{lead_id.hex}@example.test", phone="+61412345678", street="12 Cadogan Street"
        ),
        received_at=datetime.now(UTC),
    )
