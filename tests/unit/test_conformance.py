"""The conformance kit (docs/protocol/conformance/README.md): that it holds what its README says."""

import json
import re
from pathlib import Path

import pytest

KIT = Path(__file__).parents[2] / "docs/protocol/conformance"
README = (KIT / "README.md").read_text("utf-8")
TRACES = sorted((KIT / "traces").rglob("*.json"))
VECTORS = {
    "vectors/json.json": ("encode", "decode"),
    "vectors/activejob.json": ("cases", "flows"),
    "vectors/cron.json": ("cases",),
    "vectors/every.json": ("cases",),
    "vectors/moments.json": ("rows",),
    "vectors/yaml_scalars.json": (),
    "vectors/yaml_files.json": (),
    "vectors/yaml_entries.json": (),
}


def counts():
    """How many recordings each place holds: as its README says, and as they are."""
    rows = re.findall(r"^\| `([\w/.]+)` \|.*\| ([\d, ]+) \|$", README, re.MULTILINE)
    return {place: [int(number) for number in numbers.split(",")] for place, numbers in rows}


def test_the_readme_counts_right():
    """Each file of vectors and each folder of traces, with as many recordings as there are."""
    found = {}
    for place, parts in VECTORS.items():
        content = json.loads((KIT / place).read_text("utf-8"))
        found[place] = [len(content[part]) for part in parts] or [len(content)]
    for path in TRACES:
        found.setdefault(f"{path.parent.relative_to(KIT).as_posix()}/", [0])[0] += 1
    assert counts() == found
    assert {path.relative_to(KIT).as_posix() for path in (KIT / "vectors").iterdir()} == set(VECTORS)


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.relative_to(KIT).as_posix())
def test_a_trace_is_as_the_readme_says(path):
    """Named as its file, with fields and placeholders that are explained, and commands with a connection."""
    trace = json.loads(path.read_text("utf-8"))
    explained = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| `\w+`.*? \|", README, re.MULTILINE))))
    assert trace["scenario"] == path.stem
    assert set(trace) <= explained
    used = re.findall(r"<[A-Z_]+\d*>", json.dumps([trace["keyspace_before"], trace["keyspace"]]))
    assert set(used) <= set(trace["placeholders"])
    assert all(len(words) >= 2 and words[1] == words[1].upper() for words in trace["commands"])
