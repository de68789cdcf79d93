"""As much of JSON Schema (2020-12) as docs/json-output.schema.json uses; what it does not know it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyresque.cli.root import program

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs/json-output.schema.json"
SCHEMA: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
    "null": type(None),
}  # fmt: skip
KEYWORDS = {
    "$ref", "anyOf", "type", "enum", "pattern", "format", "minimum", "items", "properties", "required",
    "additionalProperties", "description",
}  # fmt: skip


def kind_of(command: str) -> dict[str, Any]:
    """The schema of what a command prints."""
    return {"$ref": f"#/$defs/{SCHEMA['x-commands'][command]}"}


def is_of(value: Any, name: str) -> bool:
    """Whether a value is of a type; a truth value is not a number."""
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def faults(value: Any, schema: dict[str, Any], where: str = "$") -> Iterator[str]:
    """What of a value is not as the schema says."""
    assert set(schema) <= KEYWORDS, f"this checker does not know {set(schema) - KEYWORDS}"
    if "$ref" in schema:
        yield from faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], where)
    if "anyOf" in schema and all(any(faults(value, one, where)) for one in schema["anyOf"]):
        yield f"{where}: {value!r} fits none of {schema['anyOf']}"
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(is_of(value, name) for name in names):
            yield f"{where}: {value!r} is not {names}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not in {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{where}: {value!r} is not like {schema['pattern']}"
    if isinstance(value, (int, float)) and value < schema.get("minimum", value):
        yield f"{where}: {value!r} is too small"
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from faults(item, schema["items"], f"{where}[{number}]")
    if isinstance(value, dict):
        yield from _faults_of_object(value, schema, where)


def _faults_of_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    known = schema.get("properties", {})
    more = schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}: {name} is missing"
    for name, item in value.items():
        if name in known:
            yield from faults(item, known[name], f"{where}.{name}")
        elif more is False:
            yield f"{where}: nobody told of {name}"
        elif more is not True:
            yield from faults(item, more, f"{where}.{name}")


def commands_with_json() -> set[str]:
    """Every command of the program that has `--json`."""
    found = set()

    def visit(command: Any, words: tuple[str, ...]) -> None:
        if any("--json" in option.opts for option in command.params):
            found.add(" ".join(words))
        for name, inner in getattr(command, "commands", {}).items():
            visit(inner, (*words, name))

    visit(program, ())
    return found
