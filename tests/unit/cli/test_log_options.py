"""The options of logging: the same for both commands, under Ruby's names too."""

import click
import pytest
from click.testing import CliRunner

from pyresque.cli.log_options import log_options


@click.command()
@log_options("warning", rubys=True)
def command(**given):
    click.echo(repr(sorted(given.items())))


@pytest.mark.parametrize(
    "words",
    [
        ["--log-level", "INFO", "--log-format", "json", "--log-file", "a"],
        ["--log-level", "info", "-F", "json", "-l", "a"],
        ["--log-level", "Info", "--logformat", "json", "--logfile", "a"],
    ],
)
def test_each_has_its_names(words):
    result = CliRunner().invoke(command, words)
    assert result.output == "[('log_file', 'a'), ('log_format', 'json'), ('log_level', 'info')]\n"


@pytest.mark.parametrize("words", [["--log-level", "loud"], ["--log-format", "xml"]])
def test_other_words_are_wrong_usage(words):
    assert CliRunner().invoke(command, words).exit_code == 2


def test_help_tells_where_the_values_come_from():
    text = CliRunner().invoke(command, ["--help"]).output
    assert all(
        part in " ".join(text.split()) for part in ("Else warning.", "Else LOGFILE.", "Else LOGFORMAT")
    )
