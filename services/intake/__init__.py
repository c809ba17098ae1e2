"""Intake: lead sources, leads, and what they become; clients, their boards and the NDAs of those boards."""
