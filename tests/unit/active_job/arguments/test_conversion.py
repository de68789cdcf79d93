"""The arguments of an Active Job, each as its annotation has it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pyresque.active_job.arguments.conversion import as_kind, call_of, check, converted
from pyresque.active_job.arguments.values import Duration, Keywords, Symbol, Time
from pyresque.errors import WrongArguments
from pyresque.parameters import Parameters

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Record:
    """A record of the application's, as a resolver gives it."""


RECORD = Record()


@pytest.mark.parametrize(
    ("wanted", "value", "result"),
    [
        (int, 5, 5), (float, 5, 5.0), (str, Symbol("a"), Symbol("a")), (datetime, Time.at(NOON), NOON),
        (timedelta, Duration.of(hours=1), timedelta(hours=1)), (Record, RECORD, RECORD),
        (int | str, "5", "5"), (Record | None, None, None), (list[int], [1], [1]), (bool, True, True),
    ],
)  # fmt: skip
def test_what_fits_comes_as_it_is(wanted, value, result):
    assert as_kind(wanted, value) == result


@pytest.mark.parametrize(
    ("wanted", "value"),
    [(int, "x"), (int, True), (Record, {"id": 1}), (int | None, "x"), (list[int], ["x"]), (str, 5)],
)
def test_what_does_not_fit_is_refused(wanted, value):
    with pytest.raises(msgspec.ValidationError):
        as_kind(wanted, value)


def parameters(function):
    return Parameters("MailJob", function, {})


def test_a_last_hash_of_keywords_is_the_keywords_of_the_call():
    assert call_of([1, Keywords({"lang": "de"})]) == ([1], {"lang": "de"})
    assert call_of([1, {"lang": "de"}]) == ([1, {"lang": "de"}], {})
    assert call_of([]) == ([], {})


def test_keywords_of_rails_5_are_an_unmarked_hash():
    def perform(number: int, *, lang: str): ...

    for last in (Keywords({"lang": "de"}), {"lang": "de"}):
        assert converted(parameters(perform), [5, last]) == ([5], {"lang": "de"})
    with pytest.raises(WrongArguments):
        converted(parameters(perform), [5, {"language": "de"}])


def test_a_hash_that_the_function_takes_stays_one():
    def perform(options: dict): ...

    assert converted(parameters(perform), [{"lang": "de"}]) == ([{"lang": "de"}], {})


def test_a_call_is_checked_by_its_plain_values_only():
    """What is written for a record is not what the function will get."""

    def perform(user: Record, number: int): ...

    check(parameters(perform), [RECORD, 1], {})
    with pytest.raises(WrongArguments, match="number"):
        check(parameters(perform), [RECORD, "x"], {})
    with pytest.raises(WrongArguments):
        check(parameters(perform), [RECORD], {})
