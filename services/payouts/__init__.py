"""Payouts: experts, their participation in boards, and their pay through Stripe Connect."""
