"""A small, named change of our own code, made in memory while a test looks whether anybody notices."""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import CodeType
from typing import Any


class TargetGone(Exception):
    """The text that the mutant changes is not there, or not once: the mutant has to follow the code."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`function` is `module:qualified.name`; `before` is part of its source, indented as in a module of its own."""

    name: str
    function: str
    before: str
    after: str
    why: str
    """What it stands for, and which promise it breaks."""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """Inside the block the real function runs the changed code, whoever holds it. Nothing is written to the tree."""
    function = _function(mutant.function)
    original = function.__code__
    function.__code__ = _changed(mutant, function)
    try:
        yield
    finally:
        function.__code__ = original


def _function(path: str) -> Any:
    module, _, names = path.partition(":")
    found: Any = import_module(module)
    for name in names.split("."):
        found = inspect.getattr_static(found, name)
    return inspect.unwrap(found)


def _changed(mutant: Mutant, function: Any) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(mutant.before) != 1:
        raise TargetGone(f"{mutant.name}: {source.count(mutant.before)} times in {mutant.function}: {mutant.before!r}")
    changed = compile(source.replace(mutant.before, mutant.after), inspect.getfile(function), "exec", dont_inherit=True)
    (code,) = (constant for constant in changed.co_consts if isinstance(constant, CodeType))
    return code
