"""Queue lists: every rule of docs/protocol/core.md#queue-lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.config.env import split_queues
from pyresque.errors import NoQueueError
from pyresque.worker.queue_list import QueueList


def order(listed, members=()):
    """The queues that a worker with this list looks at, where these are in the set `queues`."""
    elements = listed if isinstance(listed, list) else split_queues(listed)
    return list(QueueList(elements).order(members).queues)


def test_a_text_is_no_list():
    """Each of its letters would be a queue."""
    with pytest.raises(NoQueueError, match=r"write \['critical'\]"):
        QueueList("critical")


@pytest.mark.parametrize("listed", ["!a", "!a,!*", "", ",", [], [""]])
def test_a_list_must_name_a_queue(listed):
    """Only exclusions, or nothing, is NoQueueError with Ruby's text."""
    elements = listed if isinstance(listed, list) else split_queues(listed)
    with pytest.raises(NoQueueError, match="Please give each worker at least one queue"):
        QueueList(elements)


@pytest.mark.parametrize(
    ("text", "queues"),
    [("b,a", ["b", "a"]), ("a,b,a", ["a", "b", "a"]), (" a , b ", ["a", "b"]), ("a,,b", ["a", "", "b"]),
     ("a,b,,", ["a", "b"]), ("a:b", ["a:b"]), ("a b", ["a b"]), ("käse", ["käse"]), ("a!", ["a!"])],
)  # fmt: skip
def test_a_static_list_is_used_as_given(text, queues):
    """Without exclusion or special character: in order, doubles and empty names kept, `queues` not asked."""
    found = QueueList(split_queues(text))
    assert not found.dynamic
    assert list(found.order(["x"]).queues) == queues
    assert found.order().members is None


@pytest.mark.parametrize("text", ["*", "a*", "a?", "{a}", "a}", "[a]", "a]", "a,!b", "!b,a"])
def test_special_characters_and_exclusions_make_a_list_dynamic(text):
    """Then also plain names count only if they are in `queues`, and the members are remembered."""
    found = QueueList(split_queues(text + ",plain"))
    assert found.dynamic
    assert "plain" not in found.order(["other"]).queues
    assert "plain" in found.order(["plain"]).queues
    assert found.order(["y", "x"]).members == ("x", "y")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "anything", True), ("*", "a/b", True), ("*", "", True), ("a*", "a", True), ("a*", "ba", False),
        ("**", "a/b", True), ("a**b", "axyb", True), ("*\n", "a\n", True), ("*", "a\nb", True),
        ("?", "a", True), ("?", "", False), ("?", "ab", False), ("?", "é", True), ("a?c", "a/c", True),
        ("[ab]", "a", True), ("[ab]", "c", False), ("[a-c]x", "bx", True), ("[a-c]x", "dx", False),
        ("[!ab]", "c", True), ("[!ab]", "a", False), ("[^ab]", "c", True), ("[^ab]", "b", False),
        ("[a", "a", False), ("[a", "[a", False), ("x[", "x[", False), ("[z-a]", "z", False),
        (r"\*", "*", True), (r"\*", "a", False), (r"[a]\?", "a?", True), (r"*\\", "a\\", True),
        ("A*", "abc", False), ("a*", "Abc", False), ("*.com", "x.com", True), ("*.com", "xxcom", False),
        ("{a,b}", "{a,b}", True), ("{a}", "a", False), ("a+*", "a+b", True), ("(a)*", "(a)x", True),
        ("[a&&b]", "&", True), ("[a|b]", "|", True), ("a^*", "a^x", True), ("$*", "$x", True),
        ("*résumé", "résumé", True),
    ],
)  # fmt: skip
def test_patterns_match_as_ruby_s_fnmatch(pattern, name, matches):
    """`*` `?` `[...]` and `\\`; braces are literal; case counts; an unclosed `[` matches nothing."""
    # A second element makes the list dynamic where the pattern alone does not.
    assert (name in order([pattern, "{never}"], [name])) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [("*", False), ("?hidden", False), ("[!a]hidden", False), ("[.]hidden", False), (".*", True),
     (".h*", True),
     (".?idden", True), (".hidden", True), (r"\.h*", True)],
)  # fmt: skip
def test_a_leading_dot_must_be_matched_by_a_dot(pattern, matches):
    """For lists and for exclusions."""
    assert order([pattern, "{never}"], [".hidden"]) == ([".hidden"] if matches else [])
    assert order([".*", f"!{pattern}"], [".hidden"]) == ([] if matches else [".hidden"])


def test_matches_of_one_element_are_sorted_by_bytes():
    """Whatever order Redis gives them in."""
    names = [" lead", "!bang", "1", "10", "2", "A", "alpha", "résumé"]
    assert order("*", reversed(names)) == names


def test_elements_keep_their_order_and_doubles_are_dropped():
    """The results of the elements one after the other, each queue once."""
    members = ["a1", "a2", "b1", "critical", "z"]
    assert order("critical,b*,*", members) == ["critical", "b1", "a1", "a2", "z"]
    assert order("z,a*,a1,[az]*", members) == ["z", "a1", "a2"]


@pytest.mark.parametrize(
    ("text", "queues"),
    [("*,!low", ["high", "mid"]), ("!low,*", ["high", "mid"]), ("*,!l*,!m*", ["high"]), ("*,!*", []),
     ("*,! low", ["high", "low", "mid"]), ("low,high,!low", ["high"]), ("*,!", ["high", "low", "mid"])],
)  # fmt: skip
def test_exclusions(text, queues):
    """They may stand anywhere, may be patterns, and are not trimmed behind the `!`."""
    assert order(text, ["low", "mid", "high"]) == queues


def test_the_name_of_a_list_leaves_exclusions_out():
    """As it stands in the worker's id: patterns as written, in order."""
    assert str(QueueList(["*", "!low", "b{", "!x"])) == "*,b{"
    assert QueueList(["*", "!low"]).listed == ["*"]


def test_names_that_are_no_utf8_can_be_matched():
    """A queue that somebody named in Latin-1 is a queue like others, and sorted by its bytes."""
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert order("*", ["z", odd, "a"]) == ["a", odd, "z"]


def test_blanks_about_a_name_are_none_of_it():
    """As in Ruby's constructor, whoever gives the list; what stands behind the `!` stays."""
    names = QueueList([" high", "low \n", " ! x "])
    assert (names.listed, names.excluded) == (["high", "low"], [" x"])


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*a" * 30 + "*b", "a" * 3000),
        ("*" * 500 + "b", "a" * 3000),
        ("*a*a*a*b", "a" * 3000),
        ("*[ab]" * 30 + "c", "ab" * 1500),
        ("*?" * 100 + "b", "a" * 3000),
    ],
)
def test_a_long_name_does_not_stop_the_worker(pattern, name):
    """Whoever enqueues names the queues; these took minutes where each star was tried anew."""
    assert order([pattern, "{never}"], [name, name + "b", name + "c"]) == [
        one for one in (name, name + "b", name + "c") if one.endswith(pattern[-1])
    ]


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_stars_match_as_in_a_plain_search(pattern, name):
    """The fast way and the simple way agree."""

    def matches(pattern, name):
        if not pattern:
            return not name
        if pattern[0] == "*":
            return any(matches(pattern.lstrip("*"), name[place:]) for place in range(len(name) + 1))
        return bool(name) and pattern[0] in ("?", name[0]) and matches(pattern[1:], name[1:])

    if pattern.strip():
        assert (name in order([pattern, "{never}"], [name])) is matches(pattern, name)
