"""The six services by name, for what is generated from all of them."""

import os
from importlib import import_module
from typing import Any

from chassis.http.openapi import openapi_document
from chassis.process import assemble
from chassis.service import Service
from chassis.settings import Shape

NOTHING_REAL = {
    "IDENTITY_KEY_SECRET": "for building a document, where nothing is encrypted",
    "TICKET_TOKEN_SECRET": "for building a document, where nothing is signed",
}
"""What a service's settings ask for; a document is built without a connection to anything."""


def build(service: str) -> Service:
    """The service as its own composition root makes it."""
    for name, setting in {
        f"DATABASE_URL_{service.upper()}": "postgresql://nobody@127.0.0.1/none",
        **NOTHING_REAL,
    }.items():
        os.environ.setdefault(name, setting)
    built: Service = import_module(f"services.{service}.main").build()
    return built


def document_of(service: str) -> dict[str, Any]:
    return openapi_document(assemble(build(service), Shape.API))
