"""Rows in the order of their creation, which is the order Stripe lists them in, newest first."""

from collections.abc import Iterator
from secrets import token_hex
from typing import Protocol

from deploy.local.stripe.errors import Json

PREFIXES = {
    "customer": "cus_",
    "tax_rate": "txr_",
    "invoiceitem": "ii_",
    "line_item": "il_",
    "invoice": "in_",
    "invoice_payment": "inpay_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "refund": "re_",
    "credit_note": "cn_",
    "credit_note_line_item": "cnli_",
    "account": "acct_",
    "transfer": "tr_",
    "transfer_reversal": "trr_",
    "balance_transaction": "txn_",
    "topup": "tu_",
    "payout": "po_",
    "webhook_endpoint": "we_",
    "event": "evt_",
}

# Fields that never change once a row is made, by which its siblings are found without reading the whole table.
_INDEXED = {
    "line_item": "invoice",
    "invoiceitem": "customer",
    "invoice_payment": "invoice",
    "charge": "payment_intent",
    "refund": "charge",
    "credit_note": "invoice",
    "credit_note_line_item": "_credit_note",
    "transfer_reversal": "transfer",
}


def new_id(kind: str) -> str:
    return PREFIXES[kind] + token_hex(12)


class Rows(Protocol):
    """What a page can be cut from."""

    def __contains__(self, identifier: str) -> bool: ...

    def walk(self, start: str | None, *, backwards: bool = False) -> Iterator[Json]:
        """From the row after `start` (or the first) in listing order; `backwards` walks the other way."""
        ...

    def __len__(self) -> int: ...


class Table:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._rows: dict[str, Json] = {}
        self._order: list[str] = []
        self._position: dict[str, int] = {}
        self._field = _INDEXED.get(kind)
        self._children: dict[str, dict[str, None]] = {}

    def add(self, row: Json) -> Json:
        identifier = row["id"]
        self._rows[identifier] = row
        self._position[identifier] = len(self._order)
        self._order.append(identifier)
        if self._field is not None:
            self._children.setdefault(row[self._field] or "", {})[identifier] = None
        return row

    def remove(self, identifier: str) -> None:
        """Its place in the order stays taken, so that a cursor that points at it still works."""
        row = self._rows.pop(identifier)
        if self._field is not None:
            del self._children[row[self._field] or ""][identifier]

    def get(self, identifier: str) -> Json | None:
        return self._rows.get(identifier)

    def of(self, parent: str) -> list[Json]:
        """The rows of one parent, in the order they were made."""
        return [self._rows[identifier] for identifier in self._children.get(parent, ())]

    def all(self) -> list[Json]:
        return list(self._rows.values())

    def walk(self, start: str | None, *, backwards: bool = False) -> Iterator[Json]:
        step = 1 if backwards else -1
        position = self._position[start] + step if start else len(self._order) - 1
        while 0 <= position < len(self._order):
            row = self._rows.get(self._order[position])
            if row is not None:
                yield row
            position += step

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._position

    def __len__(self) -> int:
        return len(self._rows)


class Sequence:
    """A few rows of one parent, in the order in which they are to be listed."""

    def __init__(self, rows: list[Json]) -> None:
        self._rows = rows
        self._position = {row["id"]: position for position, row in enumerate(rows)}

    def walk(self, start: str | None, *, backwards: bool = False) -> Iterator[Json]:
        if start is None:
            return iter(self._rows)
        position = self._position[start]
        return iter(self._rows[:position][::-1] if backwards else self._rows[position + 1 :])

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._position

    def __len__(self) -> int:
        return len(self._rows)


class Books:
    """All that one Stripe account holds: the platform's, or a connected account's."""

    def __init__(self) -> None:
        self._tables = {kind: Table(kind) for kind in PREFIXES}
        self.available_cents: dict[str, int] = {}

    def __getitem__(self, kind: str) -> Table:
        return self._tables[kind]

    def find(self, identifier: str) -> Json | None:
        """Whatever row has this id, of any kind."""
        prefix = identifier.partition("_")[0] + "_"
        kind = _KINDS.get(prefix)
        return None if kind is None else self._tables[kind].get(identifier)

    def counts(self) -> dict[str, int]:
        return {kind: len(table) for kind, table in self._tables.items() if len(table)}


_KINDS = {prefix: kind for kind, prefix in PREFIXES.items()} | {"py_": "charge", "pyr_": "refund"}
