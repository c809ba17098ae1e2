"""The environment variables that a service reads."""

from importlib import import_module

from pydantic import AliasChoices

from chassis.settings import ServiceSettings


def variables_of(service: str) -> frozenset[str]:
    settings: type[ServiceSettings] = import_module(f"services.{service}.settings").Settings
    names: set[str] = set()
    for field in settings.model_fields.values():
        alias = field.validation_alias
        names |= set(map(str, alias.choices)) if isinstance(alias, AliasChoices) else {str(alias)}
    return frozenset(names)
