"""One deed over many rows: looked at first, done row by row, each with its own result, resumed where it was cut off."""

from chassis.console.bulk.declaration import BulkAction, Comparison, Verdict, Work

__all__ = ["BulkAction", "Comparison", "Verdict", "Work"]
