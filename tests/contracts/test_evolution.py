"""Contracts only ever gain optional fields: each version against every earlier one, and against git's history."""

import json
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from deploy.documents import schemas

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "contracts" / "schemas"
# Words of a schema that say nothing about what is valid.
PROSE = frozenset({"title", "description", "$id", "default", "examples"})


def breaks(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """What a reader of the one could not read of the other, in either direction."""
    if isinstance(old, dict) and isinstance(new, dict):
        if "properties" in old or "properties" in new:
            yield from _object_breaks(old, new, place)
        for word in (old.keys() | new.keys()) - PROSE - {"properties", "required", "$defs"}:
            if word not in old or word not in new:
                yield f"{place}: {word} came or went"
            else:
                yield from breaks(old[word], new[word], f"{place}/{word}")
        for name in old.get("$defs", {}).keys() & new.get("$defs", {}).keys():
            yield from breaks(old["$defs"][name], new["$defs"][name], f"{place}/$defs/{name}")
    elif old != new:
        yield f"{place}: {old!r} became {new!r}"


def _object_breaks(old: dict[str, Any], new: dict[str, Any], place: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before.keys() - after.keys():
        yield f"{place}: field {name} is gone"
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{place}: field {name} became required"
    for name in set(old.get("required", ())) - set(new.get("required", ())):
        yield f"{place}: field {name} became optional, so that an old reader may miss it"
    for name in before.keys() & after.keys():
        yield from breaks(before[name], after[name], f"{place}/{name}")


def versions() -> dict[str, list[Path]]:
    by_type: dict[str, list[Path]] = {}
    for path in SCHEMAS.glob("*.json"):
        by_type.setdefault(path.stem.rsplit(".", 1)[0], []).append(path)
    return {type_: sorted(paths, key=lambda path: int(path.stem.rsplit(".", 1)[1])) for type_, paths in by_type.items()}


def landed(path: Path) -> list[dict[str, Any]]:
    """The file as it stood in every commit that touched it."""
    name = path.relative_to(ROOT).as_posix()
    commits = _git("log", "--format=%H", "--diff-filter=AM", "--", name).split()
    return [json.loads(_git("show", f"{commit}:{name}")) for commit in commits]


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S607


class TestSchemasInGit:
    @pytest.mark.parametrize(("path", "schema"), list(schemas()), ids=lambda value: getattr(value, "stem", ""))
    def test_equal_what_the_models_say(self, path: Path, schema: dict[str, Any]) -> None:
        assert json.loads(path.read_text()) == schema, "run `make documents`, with a new schema_version for a new field"

    @pytest.mark.parametrize("type_", sorted(versions()))
    def test_every_version_reads_every_other(self, type_: str) -> None:
        documents = [json.loads(path.read_text()) for path in versions()[type_]]
        for old, new in combinations(documents, 2):
            assert list(breaks(old, new)) == []

    @pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
    def test_no_landed_version_was_broken_since(self, path: Path) -> None:
        now = json.loads(path.read_text())
        for then in landed(path):
            assert list(breaks(then, now)) == []


class TestTheCheckItself:
    OLD = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}

    def test_allows_an_optional_field(self) -> None:
        new = {
            **self.OLD,
            "properties": {"a": {"type": "string"}, "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        }
        assert list(breaks(self.OLD, new)) == []

    @pytest.mark.parametrize(
        "new",
        [
            {"type": "object", "properties": {}, "required": []},
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": []},
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "b"]},
            {"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}, "required": ["a"]},
        ],
        ids=["removed", "retyped", "made optional", "added as required", "narrowed"],
    )
    def test_refuses_what_breaks_a_reader(self, new: dict[str, Any]) -> None:
        assert list(breaks(self.OLD, new)) != []
