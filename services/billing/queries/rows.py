"""Rows given to a statement column by column, so that a batch is one statement with a handful of parameters."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, DateTime, FromClause, Text, Uuid, bindparam, column, func
from sqlalchemy.dialects.postgresql import ARRAY

UUIDS, TEXTS, INSTANTS, INTEGERS = Uuid(), Text(), DateTime(timezone=True), BigInteger()


def rows(name: str, **columns: tuple[Any, Sequence[Any]]) -> FromClause:
    """`rows("sent", id=(UUIDS, ids), ...)`: a table of that name, in the order of the sequences."""
    arrays = [bindparam(None, list(values), type_=ARRAY(type_)) for type_, values in columns.values()]
    names = [column(key, type_) for key, (type_, _) in columns.items()]
    return func.unnest(*arrays).table_valued(*names, name=name).render_derived()
