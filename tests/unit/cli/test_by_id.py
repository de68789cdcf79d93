"""What is said of IDs that name nothing, or several."""

from pyresque.cli.by_id import tell_unclear


def told(capsys, wanted, ids):
    tell_unclear(wanted, ids, "failure", "pyresque failed list", lambda whole: whole[:4])
    return capsys.readouterr().err.splitlines()


def test_an_id_that_names_nothing(capsys):
    assert told(capsys, ["zz", ""], ["abcdef"]) == [
        "Error: no failure has the ID zz; `pyresque failed list` lists them",
        "Error: no failure has the ID ; `pyresque failed list` lists them",
    ]


def test_a_beginning_of_several_names_them_in_their_order_with_as_much_as_tells_them_apart(capsys):
    [line] = told(capsys, ["abcd"], iter(["abcde", "abcdf", "b", "abcde"]))
    assert line.startswith("Error: several failures have IDs that begin with abcd: abcde, abcdf; ")


def test_of_many_only_the_first_are_named(capsys):
    [line] = told(capsys, ["a"], (f"a{number}" for number in range(100)))
    assert ": a0, a1, a2, a3, a4, ...;" in line


def test_nothing_in_an_id_steers_a_terminal(capsys):
    [line] = told(capsys, ["\x1b[31m"], [])
    assert "\x1b" not in line
