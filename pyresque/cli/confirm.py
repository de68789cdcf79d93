"""The question before anything that destroys or repeats: `--yes`, `--dry-run`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pyresque.cli.output import is_terminal, safe

F = TypeVar("F", bound=Callable[..., Any])


def yes_option(command: F) -> F:
    """Give a command `--yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)


def dry_run_option(command: F) -> F:
    """Give a command `--dry-run`."""
    return click.option(
        "--dry-run", is_flag=True, help="Only say what would be done, and to how many of which classes."
    )(command)


def confirmed(what: str, *, yes: bool, dry_run: bool) -> bool:
    """Ask whether to do it, unless that was answered already.

    Args:
        what: what is to be done, to how many and of which classes, as an order: `remove 3 failures (2 Pay,
            1 Mail)`. `of_classes` in output.py counts so.
        yes: it is to be done without a question.
        dry_run: it is only said what would be done.

    Returns:
        Whether to do it; False only for a dry run.

    Raises:
        click.Abort: the answer was no.
        click.ClickException: nobody is there to answer. Nothing is done then either.
    """
    what = safe(what)  # with the names of queues and entries, which may hold anything
    if dry_run:
        click.echo(f"would {what}")
        return False
    if yes:
        return True
    answer = agreed(f"{what[:1].upper()}{what[1:]}?")
    if answer is None:
        raise click.ClickException("nobody answered, so nothing was done; --yes does it without a question")
    if not answer:
        raise click.Abort
    return True


def agreed(question: str) -> bool | None:
    """Ask a question; what is piped into the command is an answer, too. None where nobody answers.

    Raises:
        click.Abort: who sits at the terminal wants none of it.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if is_terminal(sys.stdin):
            raise
    click.echo(err=True)
    return None
