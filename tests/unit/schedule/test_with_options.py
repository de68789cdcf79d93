"""A value of an entry with options behind it, as Ruby's scheduler reads it."""

import pytest

from pyresque.schedule.with_options import split_options


@pytest.mark.parametrize(
    ("value", "split"),
    [
        ("1h", ("1h", None)),
        (60, (60, None)),
        (None, (None, None)),
        (["1h", {"first_in": "5m"}], ("1h", {"first_in": "5m"})),
        (("1h", {}), ("1h", {})),
        (["1h"], ("1h", None)),
        (["1h", "2h"], ("1h", None)),
        (["1h", {"first_in": "5m"}, 1], ("1h", None)),
        ([], (None, None)),
        ({"every": "1h"}, ({"every": "1h"}, None)),
    ],
)
def test_a_list_of_a_value_and_a_mapping_has_options(value, split):
    assert split_options(value) == split
