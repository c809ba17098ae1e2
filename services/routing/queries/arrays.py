"""Sets of ids as one array parameter: one statement text for any number, so that its plan is kept."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY


def among(column: Any, ids: Iterable[UUID]) -> ColumnElement[bool]:
    matches: ColumnElement[bool] = column == any_(literal(sorted(set(ids)), ARRAY(Uuid)))
    return matches
