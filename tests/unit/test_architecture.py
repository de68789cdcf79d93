"""The shape of the code (docs/internals.md#layers): who may import whom, and how large things may be."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

import pyresque
from pyresque.keys import Keys

PACKAGE = Path(pyresque.__file__).parent

ORDER = [
    "_version", "errors", "usercode", "log", "system", "keys", "wire", "config", "yaml", "store",
    "failure", "parameters", "hooks", "model", "registry", "active_job", "schedule", "client", "plugins",
    "scheduler", "worker",
    "__init__", "web", "testing", "demo", "cli", "__main__",
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


def test_the_layers_are_documented_in_their_order():
    """The table in docs/internals.md is this order; what has underscores belongs to no layer."""
    rows = (PACKAGE.parent / "docs/internals.md").read_text("utf-8").split("## Layers")[1].splitlines()
    cells = [row.split("|")[2] for row in rows if row.startswith("|")][2:]
    names = [name.strip() for cell in cells for name in cell.split(",")]
    assert names == [name for name in ORDER if not name.startswith("_")]


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
    "module", [one for one in MODULES if one != "pyresque.log" and not one.startswith("pyresque.cli.log_")]
)
def test_log_lines_go_through_one_place(module):
    """That bounds them, and keeps what logging itself may raise from doing harm."""
    assert list(library_imports(module, {"logging"})) == []


# --- the store -------------------------------------------------------------------------------------

OUTSIDE = [one for one in MODULES if layer(one) != "store"]
LUA = sorted((PACKAGE / "store" / "lua").rglob("*.lua"))
COMMANDS = set(
    re.findall(
        r"\w+",
        """APPEND BLPOP BRPOP COPY DECR DECRBY DEL ECHO EVAL EVALSHA EXISTS EXPIRE EXPIREAT FLUSHALL FLUSHDB
        GET GETDEL GETEX GETSET HDEL HEXISTS HGET HGETALL HINCRBY HKEYS HLEN HMGET HMSET HSCAN HSET HSETNX
        HVALS INCR INCRBY INFO KEYS LINDEX LINSERT LLEN LMOVE LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM
        MGET MSET OBJECT PERSIST PEXPIRE PING PSETEX PTTL PUBLISH RENAME RPOP RPOPLPUSH RPUSH RPUSHX SADD SCAN
        SCARD SELECT SET SETEX SETNX SINTER SISMEMBER SMEMBERS SMISMEMBER SPOP SREM SSCAN SUBSCRIBE TIME TTL
        TYPE UNLINK WATCH XADD ZADD ZCARD ZCOUNT ZINCRBY ZPOPMIN ZRANGE ZRANGEBYSCORE ZRANK ZREM
        ZREMRANGEBYSCORE ZREVRANGE ZSCAN ZSCORE""",
    )
)


def beginning(method):
    """What comes before the argument in a name that a method of Keys makes, without the namespace."""
    name = getattr(KEYS, method)(b"\0" if method == "timestamps" else "\0")
    return (name if isinstance(name, str) else name.decode()).removeprefix("ns:").partition("\0")[0]


KEYS = Keys("ns")
PLAIN_KEYS = {name.removeprefix("ns:") for name in vars(KEYS).values() if isinstance(name, str)} - {"ns", ""}
METHODS = [name for name in dir(KEYS) if not name.startswith("_") and callable(getattr(KEYS, name))]
KEY_WORDS = {beginning(name) for name in METHODS} - {""}
"""The names of keys: as a whole (`queues`), or what they begin with (`queue:`, `pyresque:aside:`)."""


def is_like_a_key(text):
    """Whether a text is a key, or begins one; a message, which holds blanks, may speak of keys."""
    if re.search(r"\s", text):
        return False
    telling = {name for name in PLAIN_KEYS if re.search("[_:-]", name)}
    words = (*(word for word in KEY_WORDS if word.endswith(":")), "resque:", "pyresque:")
    return text in telling or text.startswith(words)


def strings(tree):
    """The texts in a module, with their lines: no docstrings, and of f-strings the parts."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docs and isinstance(node.value, (str, bytes)):
            yield node.lineno, node.value if isinstance(node.value, str) else node.value.decode("latin-1")


@pytest.mark.parametrize("module", OUTSIDE)
def test_commands_are_sent_by_the_store_only(module):
    """Elsewhere nothing is called that sends one, and none is written down to be sent by others."""
    wrong = []
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Attribute) and node.attr in ("execute", "execute_many"):
            wrong.append(f"line {node.lineno}: .{node.attr}")
        if isinstance(node, (ast.Tuple, ast.List)) and node.elts:
            first = getattr(node.elts[0], "value", None)
            if (first.decode("latin-1") if isinstance(first, bytes) else first) in COMMANDS:
                wrong.append(f"line {node.lineno}: {first}")
    assert wrong == []


@pytest.mark.parametrize("module", [one for one in MODULES if one != "pyresque.keys"])
def test_keys_are_spelled_in_one_place(module):
    """A key is what `Keys` makes, in the store, too."""
    wrong = [f"line {line}: {text!r}" for line, text in strings(parsed(module)) if is_like_a_key(text)]
    assert wrong == []


@pytest.mark.parametrize("file", LUA, ids=lambda file: file.stem)
def test_the_key_words_of_the_scripts_are_those_of_keys_py(file):
    """What Lua puts behind the prefix, or in front of a name, begins a key as keys.py makes it."""
    code = re.sub("--.*", "", file.read_text("utf-8"))
    words = re.findall(r"'\^?([\w:-]+:)['(]", code)
    names = re.findall(r"(?:prefix|ARGV\[\d+\])\s*\.\.\s*'([\w:-]+)'", code)
    aside = {f"pyresque:aside:{name}" for name in PLAIN_KEYS}
    assert set(words) - KEY_WORDS == set()
    assert set(names) - KEY_WORDS - PLAIN_KEYS - aside == set()


def test_the_scripts_do_spell_keys():
    """Else the test before would have nothing to compare."""
    code = "".join(file.read_text("utf-8") for file in LUA)
    assert all(f"'{word}'" in code for word in ("queue:", "delayed:", "timestamps:", "pyresque:aside:"))


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
