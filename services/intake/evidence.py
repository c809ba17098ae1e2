"""The evidence of a person's consent as a file of its own, to be handed to whoever asks about a complaint."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.intake.commands.leads.evidence import ConsentEvidence

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

NOT_TOLD = "not told by the source"


def as_html(evidence: ConsentEvidence, exported_by: str, exported_at: datetime, zone: ZoneInfo) -> str:
    """Complete by itself: it loads nothing. Instants are given where business is done, and in UTC."""

    def told(instant: datetime) -> str:
        local = instant.astimezone(zone).isoformat(timespec="seconds")
        return f"{local} {zone.key} ({instant.isoformat(timespec='seconds')})"

    agreed_at = evidence.asserted_given_at
    facts = (
        ("Agreed at, as the source says", told(agreed_at) if agreed_at else NOT_TOLD),
        ("From the network address, as the source says", evidence.asserted_remote_address or NOT_TOLD),
        ("On the page", evidence.url),
        ("Handed in by", f"{evidence.source_name} ({evidence.source_id})"),
        ("Received at", told(evidence.received_at)),
        ("Received from the network address", evidence.remote_address),
        ("Lead id", evidence.lead_id),
        ("Submission key", evidence.submission_key),
        ("Fingerprint of the submission", evidence.fingerprint),
    )
    return _TEMPLATES.get_template("consent_evidence.html").render(
        evidence=evidence, facts=facts, exported_by=exported_by, exported_at=told(exported_at)
    )
