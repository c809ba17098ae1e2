"""The six services by name, for what is generated or started from all of them."""

from importlib import import_module
from typing import Any

from chassis.http.openapi import openapi_document
from chassis.process import assemble
from chassis.service import Service
from chassis.settings import Shape
from deploy import SERVICES

__all__ = ["SERVICES", "build", "document_of"]


def build(service: str) -> Service:
    """The service as its own composition root makes it, from the environment."""
    built: Service = import_module(f"services.{service}.main").build()
    return built


def document_of(service: str) -> dict[str, Any]:
    """The OpenAPI document; nothing is connected to."""
    return openapi_document(assemble(build(service), Shape.API))
