"""Plain scalars of a YAML file mean what they mean to Ruby."""

import json
import math
import time
from pathlib import Path

import pytest

from pyresque.yaml.scalars import Symbol, Timestamp, meaning

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors"
SCALARS, FILES, ENTRIES = (
    json.loads((VECTORS / f"yaml_{name}.json").read_text("utf-8")) for name in ("scalars", "files", "entries")
)


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    """Ruby shows a time without a zone in the zone of the process; the recording was made in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(text):
    """What `meaning` says, in the form of the recording."""
    try:
        value = meaning(text)
    except ValueError:
        return ["error", ""]
    match value:
        case Symbol():
            return ["sym", str(value)]
        case Timestamp():
            return ["moment", value.text]
        case None:
            return ["NilClass", "nil"]
        case bool():
            return ["TrueClass", "true"] if value else ["FalseClass", "false"]
        case int():
            return ["int", str(value)]
        case float():
            return ["float", value]
        case _:
            return ["str", value]


@pytest.mark.parametrize(("text", "kind", "value"), SCALARS, ids=[repr(row[0]) for row in SCALARS])
def test_a_scalar_means_what_it_means_to_ruby(text, kind, value):
    """Numbers, booleans, symbols, dates and texts."""
    found = told(text)
    assert found[0] == kind
    if kind == "float":
        expected = float(value.replace("Infinity", "inf"))
        assert found[1] == expected or (math.isnan(found[1]) and math.isnan(expected))
    else:
        assert found[1] == value
