"""Texts on their way to a terminal."""

import io

import pytest

from pyresque.cli.output import (
    ago,
    classes,
    columns,
    echo,
    of_classes,
    safe,
    short,
    span,
    table,
    tinted,
    width,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße 日本 💥", "Grüße 日本 💥"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\t\r", "two\\nlines\\t\\r"),
        ("\x9b2J \x7f", "\\x9b2J \\x7f"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\udcff", "\\udcff"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    """Letters stay; whatever steers a terminal, or is not a character, is escaped."""
    assert safe(text) == shown


@pytest.mark.parametrize("text", ["a" * 50, "日" * 50, "\x1b" * 50, "💥a" * 30])
def test_short(text: str) -> None:
    """A long text is cut to the columns that it may take, and shows that it was cut."""
    cut = short(text, 20)
    assert columns(cut) <= 20
    assert cut.endswith("...")


def test_short_does_not_read_a_long_text_to_its_end() -> None:
    """An error text of 30 MB took 15 seconds; characters that take no column are no way around it."""
    assert short("x" * 30_000_000, 20) == "x" * 17 + "..."
    assert short("\u0301" * 30_000_000, 20).endswith("...")


def test_short_leaves_short_texts_alone() -> None:
    """A text that fits is not changed."""
    assert short("日本", 4) == "日本"


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns stand below each other, wide letters too, and no line ends with blanks."""
    table(("A", "B"), [("日本", 1), ("x", "")])
    assert capsys.readouterr().out == "A     B\n日本  1\nx\n"


# --- tables that fit -----------------------------------------------------------------------------------


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


ROWS = [("0011aabb", "Reports::Monthly " + "x" * 80, "ValueError: " + "日本" * 40)] * 2


@pytest.mark.parametrize("most", [30, 60, 80, 200])
def test_a_table_fits_the_terminal(capsys, monkeypatch, most):
    """Its widest columns are cut, those that are typed are not."""
    monkeypatch.setenv("COLUMNS", str(most))
    table(("ID", "JOB", "ERROR"), ROWS)
    lines = printed(capsys)
    assert max(map(columns, lines)) <= most
    assert max(map(columns, lines)) > most - 3
    assert all(line.startswith("0011aabb  Rep") for line in lines[1:])


def test_a_wide_terminal_shows_all(capsys, monkeypatch):
    """Where there is room nothing is cut."""
    monkeypatch.setenv("COLUMNS", "400")
    table(("ID", "JOB", "ERROR"), ROWS)
    assert "..." not in capsys.readouterr().out


def test_a_terminal_that_is_too_narrow(capsys, monkeypatch):
    """IDs stay whole, for they are typed; of the rest something is left."""
    monkeypatch.setenv("COLUMNS", "5")
    table(("ID", "JOB", "ERROR"), ROWS)
    assert printed(capsys)[1] == "0011aabb  R...  V..."


def test_an_empty_column_gives_its_place(capsys, monkeypatch):
    """Where there is no room for all; a table without rows keeps its head."""
    monkeypatch.setenv("COLUMNS", "20")
    table(("ID", "RETRIED", "JOB"), [("0011aabb", "", "Reports::Monthly")])
    assert printed(capsys) == ["ID        JOB", "0011aabb  Reports..."]
    table(("ID", "RETRIED", "REPORTS"), [])
    assert len(printed(capsys)) == 1


def test_where_nobody_knows_the_width_long_cells_are_cut(capsys, monkeypatch):
    """In a pipe a line still does not take millions of characters."""
    monkeypatch.delenv("COLUMNS", raising=False)
    table(("A", "B"), [("x" * 100, "y" * 101)])
    assert printed(capsys)[1] == "x" * 100 + "  " + "y" * 97 + "..."


def test_a_name_that_fills_screens_is_cut_even_where_names_are_whole(capsys):
    """Else each line would be as long, for they stand below each other."""
    table(("QUEUE",), [("q" * 1_000_000,), ("a" * 400,)], whole=("QUEUE",))
    _, long, whole = capsys.readouterr().out.splitlines()
    assert (len(long), long[-5:]) == (500, "qq...")
    assert whole == "a" * 400


def test_numbers_stand_at_the_right(capsys):
    """So that they can be compared."""
    table(("QUEUE", "JOBS"), [("a", 1), ("b", 1000)], numbers=("JOBS",))
    assert printed(capsys) == ["QUEUE  JOBS", "a         1", "b      1000"]


def test_a_table_makes_its_texts_safe(capsys):
    """Also those with a colour; nothing from Redis steers the terminal."""
    table(("A",), [(tinted("\x1b[2J", "red"),), ("\x9b",)])
    assert printed(capsys) == ["A", "\\x1b[2J", "\\x9b"]


def test_a_table_without_rows(capsys):
    """Its head is all there is."""
    table(("A", "B"), [])
    assert printed(capsys) == ["A  B"]


# --- colours -------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch, show) -> str:
    """What it prints on a terminal."""
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    show()
    return screen.getvalue()


def show_table() -> None:
    table(("A", "B"), [(tinted("bad", "red"), "fine")])


def test_colours_on_a_terminal(monkeypatch):
    """A cell has its colour, the head is bold, and the columns still stand below each other."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    shown = on_terminal(monkeypatch, show_table)
    assert shown == "\x1b[1mA\x1b[0m    \x1b[1mB\x1b[0m\n\x1b[31mbad\x1b[0m  fine\n"
    assert on_terminal(monkeypatch, lambda: echo("is ", tinted("bad\x1b", "red"))) == (
        "is \x1b[31mbad\\x1b\x1b[0m\n"
    )


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colours_where_they_are_not_wanted(monkeypatch, name, value):
    """NO_COLOR says so (https://no-color.org), and a terminal that has none."""

    def show() -> None:
        monkeypatch.setenv(name, value)
        show_table()

    assert "\x1b" not in on_terminal(monkeypatch, show)


def test_no_colours_in_a_pipe(capsys):
    """Programs read texts."""
    show_table()
    assert "\x1b" not in capsys.readouterr().out


def test_the_width_of_a_terminal_that_does_not_say(monkeypatch):
    """COLUMNS wins; a COLUMNS that is not a number is as if there were none."""
    for text, told in (("120", 120), ("0", None), ("wide", None), ("", None)):
        monkeypatch.setenv("COLUMNS", text)
        assert width() == told


# --- times and numbers in words ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("apart", "words"),
    [
        (0, "now"), (0.9, "now"), (1, "1 s ago"), (59.9, "59 s ago"), (60, "1 min ago"),
        (7199, "119 min ago"), (7200, "2 h ago"), (86400, "24 h ago"),
        (172800, "2 days ago"), (800 * 86400, "2 years ago"),
        (-1, "in 1 s"), (-300, "in 5 min"), (-9000, "in 2 h"),
    ],
)  # fmt: skip
def test_ago(apart, words):
    """A moment as people say it, past or to come."""
    assert ago(1_000_000_000 - apart, now=1_000_000_000) == words


def test_ago_of_any_number():
    """Milliseconds where seconds belong are far away, no error."""
    assert ago(1_800_000_000_000, now=1_800_000_000).startswith("in ")


def test_span():
    """A length of time."""
    assert [span(seconds) for seconds in (0, 0.4, 12, 90, 7200, 86400 * 3)] == [
        "0 s", "0 s", "12 s", "1 min", "2 h", "3 days",
    ]  # fmt: skip


def test_of_classes():
    """How many and of which classes, the most frequent first, and not all of a thousand."""
    assert of_classes("failure", {"Mail": 1, "Pay": 3, "": 1}) == "5 failures (3 Pay, 1 (no class), 1 Mail)"
    assert of_classes("job", {}) == "0 jobs"
    many = {f"Job{n}": 10 - n for n in range(8)}
    assert (
        of_classes("job", many) == "52 jobs (10 Job0, 9 Job1, 8 Job2, 7 Job3, 6 Job4, 12 of 3 other classes)"
    )
    assert classes({f"J\x1b{n}": 1 for n in range(6)}).endswith("1 J\\x1b4, 1 J\\x1b5")
