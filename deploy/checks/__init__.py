"""Holds the platform's files (image, manifests, rules, compose file) against the tools that they are written for."""
