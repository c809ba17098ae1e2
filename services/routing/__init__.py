"""Routing: installers, territories and caps; dispatch of leads, their assignments, exceptions and cap releases."""
