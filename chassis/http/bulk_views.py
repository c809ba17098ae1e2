"""What the routes of bulk actions answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import Row

from chassis.console.bulk import jobs
from chassis.console.bulk.declaration import BulkAction
from chassis.console.bulk.states import JobState, RowState
from chassis.console.lists.declaration import Listing
from chassis.http.forms import CSRF_FIELD


class BulkActionView(BaseModel):
    """`is_previewed`: its form is filled in by a preview, and the confirmation says the preview's sight."""

    list: str
    action: str
    label: str
    capability: str
    needs_second_factor: bool
    is_previewed: bool
    form: dict[str, Any] = Field(description="JSON Schema of the form")

    @classmethod
    def of(cls, listing: Listing, action: BulkAction) -> "BulkActionView":
        return cls(
            list=listing.name,
            action=action.name,
            label=action.label,
            capability=action.capability,
            needs_second_factor=action.step_up,
            is_previewed=action.look_with is not None,
            form=_schema_of(action),
        )


def _schema_of(action: BulkAction) -> dict[str, Any]:
    """Without the mark of a page's session."""
    schema = action.form.model_json_schema()
    fields = schema.get("properties", {})
    return schema | {"properties": {name: field for name, field in fields.items() if name != CSRF_FIELD}}


class BulkActionsView(BaseModel):
    items: list[BulkActionView]


class BulkCounts(BaseModel):
    """Rows by state: `ready` are to come, `blocked` could not be done from the start and stay as they are."""

    ready: int
    blocked: int
    done: int
    refused: int
    failed: int

    @classmethod
    def of(cls, counts: Mapping[RowState, int]) -> "BulkCounts":
        return cls(**{state.value: counts.get(state, 0) for state in RowState})


class BulkJobView(BaseModel):
    """`sight` names the form that was previewed, which a confirmation says; `request_id` is the confirmation's."""

    id: UUID
    list: str
    action: str
    state: JobState
    rows: BulkCounts
    form: dict[str, Any]
    sight: str | None
    actor_id: UUID
    actor_name: str
    proposed_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    request_id: str | None

    @classmethod
    def of(cls, job: Row[Any], counts: Mapping[RowState, int]) -> "BulkJobView":
        columns = dict(job._mapping)
        shown = {name: columns[name] for name in cls.model_fields if name in columns}
        sight = jobs.sight_of(job) if job.state == JobState.PREVIEWED else None
        return cls(**shown | {"rows": BulkCounts.of(counts), "sight": sight})


class BulkRowView(BaseModel):
    """`detail` is what would change or has changed, or why it could not be done."""

    row_no: int
    subject_id: UUID
    name: str
    state: RowState
    detail: str
    done_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any]) -> "BulkRowView":
        return cls(**{name: row._mapping[name] for name in cls.model_fields})


class BulkRowsView(BaseModel):
    """`next` is the `after` of the page that follows; null on the last one."""

    items: list[BulkRowView]
    next: int | None

    @classmethod
    def of(cls, rows: Sequence[Row[Any]], limit: int) -> "BulkRowsView":
        shown = [BulkRowView.of(row) for row in rows[:limit]]
        return cls(items=shown, next=shown[-1].row_no if len(rows) > limit else None)
