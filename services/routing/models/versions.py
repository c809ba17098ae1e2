"""What each version of an installer was."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from services.routing.models.model import Model


class InstallerVersion(Model):
    """Written once with each change that is published. `profile` is as domain/versions.py has it."""

    __tablename__ = "installer_versions"

    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)
    changed_at: Mapped[datetime]
