"""The six services by name, for what is generated from all of them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from chassis.http.openapi import openapi_document
from chassis.process import assemble
from chassis.service import Service
from chassis.settings import Shape

NOTHING_REAL = {
    "BILLING_KEY_SECRET": "for building a document, where nothing is signed",
    "IDENTITY_KEY_SECRET": "for building a document, where nothing is encrypted",
    "ROUTING_KEY_SECRET": "for building a document, where nothing is signed",
    "TICKET_TOKEN_SECRET": "for building a document, where nothing is signed",
}
"""What a service's settings ask for; a document is built without a connection to anything."""


def build(service: str) -> Service:
    """The service as its own composition root makes it."""
    asked = {f"DATABASE_URL_{service.upper()}": "postgresql://nobody@127.0.0.1/none", **NOTHING_REAL}
    with _in_environment({name: setting for name, setting in asked.items() if name not in os.environ}):
        built: Service = import_module(f"services.{service}.main").build()
    return built


@contextmanager
def _in_environment(settings: Mapping[str, str]) -> Iterator[None]:
    """For as long as the block lasts: whoever builds another service after it does not inherit them."""
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in settings:
            del os.environ[name]


def document_of(service: str) -> dict[str, Any]:
    return openapi_document(assemble(build(service), Shape.API))
