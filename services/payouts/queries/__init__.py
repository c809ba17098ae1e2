"""Every SELECT of payouts, as plain functions that take a session."""

from services.payouts.queries import attempts, boards, experts, payouts

__all__ = ["attempts", "boards", "experts", "payouts"]
