"""The shape of the code (docs/internals.md#layers): who may import whom, and how large things may be."""

import ast
import tokenize
from pathlib import Path

import pytest

import pyresque

PACKAGE = Path(pyresque.__file__).parent

ORDER = [
    "_version", "errors", "usercode", "log", "system", "wire", "keys", "config", "yaml", "store",
    "failure", "parameters", "hooks", "model", "registry", "active_job", "schedule", "client", "plugins",
    "scheduler", "worker",
    "__init__", "testing", "demo", "cli", "__main__",
]  # fmt: skip
"""A module imports only what stands before it; inside a package the order is free but without circles."""

MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
    tokenize.ENCODING,
}  # fmt: skip


def parsed(module):
    return ast.parse(MODULES[module].read_text("utf-8"))


def imported_names(node):
    """The dotted names that an import statement may mean: of `from a import b` both a and a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def imports(module):
    """The modules of pyresque that this one imports, anywhere in it (functions, TYPE_CHECKING)."""
    found = set()
    for node in ast.walk(parsed(module)):
        names = [name for name in imported_names(node) if name in MODULES]
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            # `from pyresque.store import queues` means the module queues, not the package.
            inner = [f"{node.module}.{alias.name}" in MODULES for alias in node.names]
            names = names[1:] if all(inner) else names
        found.update(names)
    return found - {module}


def layer(module):
    """The entry of ORDER that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_every_module_has_its_place():
    """A new module must be entered in the order, so that somebody thinks about it."""
    assert {layer(module) for module in MODULES} - set(ORDER) == set()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_stands_above_it(module):
    """The order of dependency, also for imports inside functions and under TYPE_CHECKING."""
    place = ORDER.index(layer(module))
    wrong = [
        one for one in imports(module) if layer(one) != layer(module) and ORDER.index(layer(one)) >= place
    ]
    assert wrong == []


def test_no_package_imports_in_circles():
    """Inside a package, too, dependencies have a direction."""
    graph = {module: imports(module) for module in MODULES}
    done = set()

    def visit(module, trail):
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for one in sorted(graph[module]):
                # What a package's own modules need of their package is its surface: that comes last.
                if not module.startswith(one + "."):
                    visit(one, [*trail, module])
            done.add(module)

    for module in graph:
        visit(module, [])


def library_imports(module, names):
    """(name, is it at run time when the module is loaded) of imports of these libraries."""
    tree = parsed(module)
    late = set()
    for node in ast.walk(tree):
        checking = isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        if checking or isinstance(node, FUNCTIONS):
            late.update(id(inner) for inner in ast.walk(node))
    for node in ast.walk(tree):
        for name in imported_names(node):
            if name.split(".")[0] in names:
                yield name, id(node) not in late


@pytest.mark.parametrize("module", [one for one in MODULES if layer(one) != "store"])
def test_redis_and_hiredis_are_imported_in_the_store_only(module):
    """Elsewhere only for annotations, or inside a function of the test helpers."""
    found = list(library_imports(module, {"redis", "hiredis"}))
    allowed = ("client", "testing")
    assert found == [] or (layer(module) in allowed and not any(at_load for _, at_load in found))


@pytest.mark.parametrize(
    "module", [one for one in MODULES if layer(one) not in ("config", "testing", "demo", "cli")]
)
def test_the_environment_is_read_in_few_places(module):
    """os.environ is for config, the command line, and those that start other programs (testing, demo)."""
    used = [node.attr for node in ast.walk(parsed(module)) if isinstance(node, ast.Attribute)]
    assert [attr for attr in used if attr in ("environ", "environb", "getenv", "putenv")] == []


@pytest.mark.parametrize(
    "module", [one for one in MODULES if one not in ("pyresque.log", "pyresque.cli.log_format")]
)
def test_log_lines_go_through_one_place(module):
    """That bounds them, and keeps what logging itself may raise from doing harm."""
    assert list(library_imports(module, {"logging"})) == []


# --- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_no_file_is_longer_than_400_lines(module):
    """A longer one holds two things."""
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= 400


def code_lines(path, tree):
    """The numbers of the lines that hold code: no blanks, comments, docstrings."""
    docs = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and ast.get_docstring(node) is not None:
            docs.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    with path.open("rb") as file:
        tokens = [one for one in tokenize.tokenize(file.readline) if one.type not in SILENT]
    return {number for one in tokens for number in range(one.start[0], one.end[0] + 1)} - docs


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short_and_narrow(module):
    """At most 40 lines of code and 8 parameters (without self)."""
    tree = parsed(module)
    held = code_lines(MODULES[module], tree)
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            args = node.args
            named = [one.arg for one in args.posonlyargs + args.args + args.kwonlyargs]
            named += [one.arg for one in (args.vararg, args.kwarg) if one]
            assert len([name for name in named if name not in ("self", "cls")]) <= 8, node.name
            assert len(held & set(range(node.lineno, node.end_lineno + 1))) <= 40, node.name


# --- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [one for one, path in MODULES.items() if path.name == "__init__.py"])
def test_no_public_name_equals_a_module_name(module):
    """`import pyresque.job` would put a module in the place of the decorator `job`."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            assert [name for name in ast.literal_eval(node.value) if f"{module}.{name}" in MODULES] == []
