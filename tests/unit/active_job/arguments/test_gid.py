"""Names of records, as Rails' GlobalID writes and reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.active_job.arguments.gid import GlobalID, global_id_of

IDS = st.text(min_size=1, max_size=12).filter(lambda text: text.strip() != "" and text.isprintable())


@given(st.lists(IDS, min_size=1, max_size=3))
def test_any_id_comes_back(ids: list[str]) -> None:
    """One, or the parts of a composite key."""
    made = GlobalID("app", "Shop::Order", ids)
    assert GlobalID.parse(str(made)) == made


@pytest.mark.parametrize(
    ("text", "app", "model", "number", "params"),
    [
        ("gid://app/Person/1", "app", "Person", "1", ""),
        ("gid://my.app-2/A::B/x%20y+z", "my.app-2", "A::B", "x y z", ""),
        ("gid://app/Person/1/2", "app", "Person", ("1", "2"), ""),
        ("gid://app/Person/1?db=2", "app", "Person", "1", "db=2"),
    ],
)
def test_forms(text: str, app: str, model: str, number: object, params: str) -> None:
    """What is read is written again as it was."""
    read = GlobalID.parse(text)
    assert read == GlobalID(app, model, number, params)
    assert str(read) == text


@pytest.mark.parametrize(
    "text",
    ["", "gid://", "gid://app/Person", "gid://app/Person/", "gid://a_b/P/1", "http://app/P/1", None, 7,
     "gid://app/P/{1}", "gid://app/P/1\n", "gid://app/P/%"],
)  # fmt: skip
def test_what_is_none(text: object) -> None:
    """As in Rails: None, no error."""
    assert GlobalID.parse(text) is None


@pytest.mark.parametrize(("app", "model", "number"), [("a b", "P", 1), ("app", "", 1), ("app", "P", None)])
def test_what_cannot_be_made(app: str, model: str, number: object) -> None:
    with pytest.raises(ValueError, match=r"application name|needs a model"):
        GlobalID(app, model, number)


def test_the_id_of_an_object() -> None:
    """An object tells its own, as text or as a GlobalID; a class does not."""

    class Person:
        def to_global_id(self) -> str:
            return "gid://app/Person/1"

    assert global_id_of(Person()) == GlobalID("app", "Person", 1)
    assert global_id_of(Person) is None
    assert global_id_of("gid://app/Person/1") is None
