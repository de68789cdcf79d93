"""The options that say which elements are meant, and which page of them."""

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pyresque.cli.selecting import SHOWN, Page, Wanted, failure_choice, paged


@click.command()
@failure_choice
@paged("last", ("class", "queue"))
def command(wanted, page):
    click.echo(repr((dict(wanted.filters), wanted.everything, page.number, page.limit, page.sort)))


def run(*words):
    return CliRunner().invoke(command, words)


def test_only_what_was_given_is_asked_for():
    assert run().output == "({}, False, None, None, None)\n"
    result = run(
        "-c", "A*", "--class", "B", "-q", "mail", "--retried", "-p", "2", "-n", "5", "--sort", "queue"
    )
    filters = "{'class_name': ('A*', 'B'), 'queue': ('mail',), 'retried': True}"
    assert result.output == f"({filters}, False, 2, 5, 'queue')\n"


@pytest.mark.parametrize(
    "words", [["--text", ""], ["-p", "0"], ["-n", "-1"], ["--sort", "x"], ["--since", "soon"]]
)
def test_what_cannot_be_meant_is_wrong_usage(words):
    assert run(*words).exit_code == 2


def test_something_must_say_which_are_meant():
    assert Wanted({"queue": ("a",)}).with_ids(["x"]) == {"queue": ("a",), "ids": ["x"]}
    assert Wanted(everything=True).with_ids([]) == {}
    for wanted, ids, text in ((Wanted(), [], "say which"), (Wanted(everything=True), ["x"], "contradict")):
        with pytest.raises(click.UsageError, match=text):
            wanted.with_ids(ids)


@given(st.lists(st.integers()), st.integers(1, 5), st.integers(1, 7), st.booleans())
def test_a_page_is_a_piece_of_the_whole_in_its_order(elements, number, limit, as_json):
    page = Page(number, limit)
    assert (
        page.sorted(elements, abs, as_json)
        == sorted(elements, key=abs)[(number - 1) * limit : number * limit]
    )


@pytest.mark.parametrize(
    ("page", "as_json", "whole"),
    [
        (Page(None, None), False, False), (Page(None, None), True, True), (Page(None, 0), False, True),
        (Page(2, None), True, False), (Page(None, 5), True, False),
    ],
)  # fmt: skip
def test_programs_that_did_not_ask_for_a_page_get_all(page, as_json, whole):
    assert page.is_whole(as_json) == whole
    assert Page(None, None).size == SHOWN
