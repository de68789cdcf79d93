"""Arguments as one text, and its digest, as Ruby's plugins make them for their keys.

See docs/protocol/core.md#arguments-as-text.
"""

import pytest

from pyresque.wire.joined_arguments import digest, joined


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], ""), ([1, "a"], "1-a"), ([None, True, False], "-true-false"), ([1.0, 1e20], "1.0-1.0e+20"),
        ([1, [2, [3, "x"]]], "1-2-3-x"), ((1, (2,)), "1-2"), ([{"x": 1}], '{"x"=>1}'), ([[], 1], "-1"),
        (["ä b", "-"], "ä b--"),
    ],
)  # fmt: skip
def test_arguments_are_joined_as_by_ruby(args, text):
    """nil is empty, lists are flattened, objects are inspected."""
    assert joined(args) == text


def test_the_digest_is_resque_retrys():
    """As in the name of a counter that real Ruby wrote; without arguments, or with empty ones, none."""
    assert digest([1, "a b", None, {"x": 1}]) == "6064992e303e679cd09d8dc97a63940e15441a0c"
    assert digest([]) == digest([None]) == digest([""]) == digest([[]]) == ""
