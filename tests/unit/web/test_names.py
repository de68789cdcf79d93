"""Names of any writer in URLs: what stands for a name leads back to it, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.errors import InvalidSelection
from pyresque.web.names import LONGEST, MARK, handle, raw_name, shown


@given(st.binary(max_size=40))
def test_any_name_comes_back(name):
    assert raw_name(handle(name)) == name


@pytest.mark.parametrize("name", ["mail", "a b", "a/b", "ä", "x" * LONGEST])
def test_a_plain_name_stands_for_itself(name):
    assert handle(name) == name


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "../a", "a//b", ".", "~a", "a\\b", "a\nb", "\udcff", "x" * (LONGEST + 1)]
)
def test_one_that_the_way_could_change_does_not(name):
    assert handle(name).startswith(MARK)
    assert raw_name(handle(name)) == name.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("text", ["~0", "~xy", "~ä"])
def test_what_stands_for_nothing_is_refused(text):
    with pytest.raises(InvalidSelection, match="stands for no name"):
        raw_name(text)


def test_bytes_that_are_no_text_are_shown():
    assert (shown(b"a\xff"), shown("\udcff")) == ("a\\xff", "\\xff")
