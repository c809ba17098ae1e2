"""Operators, their roles, sessions and second factors; signs the tokens that the other services verify offline."""
