"""The table in docs/traces.md, made from the code: `python -m tests.interop.traces.table` writes it anew."""

from __future__ import annotations

from tests.interop.traces.play import ROOT, SCENARIOS, trace_of
from tests.interop.traces.tables import DIFFERENT, LEFT_OUT
from tests.interop.traces.trace import names

DOCS = ROOT / "docs/traces.md"
_HEAD = "| trace | status | what pyresque does; why it differs |\n|---|---|---|\n"


def _row(name: str) -> str:
    if name in LEFT_OUT:
        return f"| `{name}` | left out | {LEFT_OUT[name]} |\n"
    plays = [one for one in SCENARIOS if trace_of(one) == name]
    status = "different" if any(one in DIFFERENT for one in plays) else "replayed"
    texts = [(SCENARIOS[one].__doc__ or "") + _why(one) for one in plays]
    return f"| `{name}` | {status} | {' '.join(texts)} |\n"


def _why(name: str) -> str:
    return f" **Different**: {DIFFERENT[name].reason}." if name in DIFFERENT else ""


TABLE = _HEAD + "".join(map(_row, names()))

if __name__ == "__main__":
    text = DOCS.read_text("utf-8")
    before, _, behind = text.partition(_HEAD)
    rest = behind.partition("\n\n")[2]
    DOCS.write_text(before + TABLE + (f"\n{rest}" if rest else ""), "utf-8")
