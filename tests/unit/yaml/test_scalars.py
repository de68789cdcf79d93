"""Plain scalars of a YAML file mean what they mean to Ruby."""

import json
import math
from pathlib import Path

import pytest

from pyresque.yaml.scalars import Symbol, Timestamp, meaning

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors"
SCALARS = json.loads((VECTORS / "yaml_scalars.json").read_text("utf-8"))


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
