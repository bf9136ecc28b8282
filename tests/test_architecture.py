"""The rules of the house that import-linter cannot say (pyproject.toml holds the ones it can).

Each test reads the real files. A rule that is broken answers with ``file:line`` and what to do instead.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LINES_PER_FILE = 400
LINES_PER_FUNCTION = 70

IMPURE = frozenset({"asyncio", "logging", "os", "pathlib", "random", "sqlite3", "time"})
"""What ``core`` may not import of the standard library: a clock, chance, a file, a network, a loop."""

FLOOR_3 = frozenset(
    {
        "attempt",
        "options",
        "orders",
        "promotions",
        "purchase",
        "reload",
        "repeats",
        "results",
        "router",
        "telling",
        "upkeep",
    }
)
FLOOR_2 = frozenset({"alerts", "bills", "cache", "config", "ledger", "limits", "providers", "reports"})

LOADED_ON_DEMAND = ("click", "litellm", "openai", "psycopg", "starlette", "uvicorn")
"""What costs most to import, or need not be installed: ``import routing`` must not load it."""

NAMES_THAT_SAY_NOTHING = frozenset({"common", "helpers", "misc", "tools", "util", "utils"})

REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("debian", "org"),
    )
)
MACHINE_PATH = re.compile(r"(?<![\w.~}*-])/(?:home|opt|root|Users|work)/[\w.]")
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X|H[A]CK)\b")
SUPPRESSION = re.compile(
    r"#\s*(?:ruff:\s*)?(?:noqa|type:\s*ignore)\b(?:(?::\s*|\[)(?P<rules>[\w-]+(?:,\s*[\w-]+)*)\]?)?(?P<reason>.*)"
)


# --- Reading the house ------------------------------------------------------------------------------------------------


@cache
def kept_files() -> tuple[Path, ...]:
    """Every file that git keeps or would keep."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(path for name in sorted({*names} - {""}) if (path := ROOT / name).is_file())


@cache
def text_of(path: Path) -> str:
    """The text of a file; pictures and other binary files read as empty."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode(errors="replace")


@cache
def python_files(folder: str = "") -> tuple[Path, ...]:
    """The Python files of the repository, or of one folder of it."""
    return tuple(path for path in kept_files() if path.suffix == ".py" and path.is_relative_to(ROOT / folder))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    return {module_name(path): path for path in python_files("routing")}


@cache
def imports_of(path: Path) -> tuple[tuple[int, str], ...]:
    """Line and dotted name of all that a file imports, inside functions too; a name inside a module counts as it."""
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.append((node.lineno, inner if inner in modules() else node.module))
    return tuple(found)


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def lines_matching(pattern: re.Pattern[str], paths: tuple[Path, ...]) -> list[str]:
    return [
        f"{place(path, number)}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def unexplained_suppressions(path: Path) -> list[str]:
    """Lines that silence a rule for which the file gives no reason there or above."""
    explained: set[str] = set()
    bare = []
    for number, line in enumerate(text_of(path).splitlines(), 1):
        if not (found := SUPPRESSION.search(line)):
            continue
        silenced = {*re.findall(r"[\w-]+", found["rules"] or "everything")}
        if "everything" not in silenced and re.search("[a-z]{3,}", found["reason"]):
            explained |= silenced
        elif not silenced <= explained:
            bare.append(f"{place(path, number)}: {line.strip()}")
    return bare


def refuse(found: list[str], advice: str) -> None:
    """Fail with every place at once."""
    if found:
        pytest.fail("\n  ".join((f"{advice}:", *found)), pytrace=False)


# --- Size and shape ---------------------------------------------------------------------------------------------------


def test_no_python_file_is_longer_than_a_reader_can_hold() -> None:
    counted = {path: len(text_of(path).splitlines()) for path in python_files()}
    too_long = [f"{place(path, 1)}: {lines} lines" for path, lines in counted.items() if lines > LINES_PER_FILE]
    refuse(too_long, f"split these along what they do (at most {LINES_PER_FILE} lines)")


def test_no_function_is_longer_than_a_screen() -> None:
    too_long = [
        f"{place(path, node.lineno)}: {node.name}, {lines} lines"
        for path in python_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_PER_FUNCTION
    ]
    refuse(too_long, f"name the steps and make them functions (at most {LINES_PER_FUNCTION} lines)")


def test_no_module_is_named_for_what_does_not_fit_elsewhere() -> None:
    vague = [name for name in modules() if NAMES_THAT_SAY_NOTHING & {*name.lower().strip("_").split(".")}]
    refuse(vague, "name a module after the noun it is about")


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        name: {target for _, target in imports_of(path) if target in modules() and target != name}
        for name, path in modules().items()
    }
    found = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found = [" <- ".join(error.args[1])]
    refuse(found, "let one of them define what both need, or move it to a module below both")


# --- Floors -----------------------------------------------------------------------------------------------------------


def test_core_is_pure() -> None:
    impure = [
        f"{place(path, line)}: {target}"
        for path in python_files("routing/core")
        for line, target in imports_of(path)
        if (top := target.split(".")[0]) in IMPURE or top not in sys.stdlib_module_names | {"routing"}
    ]
    refuse(impure, "core asks no clock, file, network or library: what it needs to know is an argument")


def test_the_router_enters_a_room_only_through_its_base() -> None:
    adapters = [
        f"{place(path, line)}: {target}"
        for name, path in modules().items()
        if FLOOR_3 & {*name.split(".")[1:2]}
        for line, target in imports_of(path)
        if target.startswith("routing.") and FLOOR_2 & {*target.split(".")[1:2]} and target.split(".")[2:3] != ["base"]
    ]
    refuse(adapters, "the router sees ports; assembly.py names the adapters")


def test_nobody_inside_imports_the_facade() -> None:
    facade = [
        f"{place(path, line)}: {target}"
        for path in python_files("routing")
        for line, target in imports_of(path)
        if target == "routing"
    ]
    refuse(facade, "import from the module that defines the name")


def test_every_library_has_a_home() -> None:
    contracts = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    housed = {name for contract in contracts for name in contract.get("forbidden_modules", ())}
    homeless = [
        f"{place(path, line)}: {target}"
        for path in python_files("routing")
        for line, target in imports_of(path)
        if target.split(".")[0] not in sys.stdlib_module_names | {"routing"} | housed
    ]
    refuse(homeless, "say in pyproject.toml, under 'Every third-party library has its home', where it lives")


def test_importing_the_package_loads_no_vendor_no_server_and_no_command_line() -> None:
    program = f"import sys, routing; print(*sorted({{*{LOADED_ON_DEMAND!r}}} & {{*sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    refuse(loaded.split(), "import a heavy library where it is used, inside its one home")


# --- Nothing unfinished, nothing unexplained, nothing of one machine --------------------------------------------------


def test_nothing_is_left_to_be_done_later() -> None:
    stubs = lines_matching(re.compile(r"\braise NotImplementedError\b"), python_files("routing"))
    refuse([*lines_matching(UNFINISHED, kept_files()), *stubs], "finish it, or open an issue")


def test_every_suppressed_finding_gives_its_reason() -> None:
    bare = [where for path in python_files() for where in unexplained_suppressions(path)]
    refuse(bare, "write why, once per rule and file: '# noqa: S608 - the columns are ours'")


def test_every_rule_that_is_off_has_its_reason_beside_it() -> None:
    ruff = text_of(ROOT / "pyproject.toml").partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.flake8")[0]
    rules = [line for line in ruff.splitlines() if re.match(r'\s+"[A-Z]+\d*"', line)]
    assert rules, "the list of rules was not found: has pyproject.toml a new layout?"
    refuse([line.strip() for line in rules if not re.search(r"# \w+", line)], "write why, after the rule")


def test_no_file_names_a_package_registry() -> None:
    registry = re.compile("|".join(map(re.escape, REGISTRIES)))
    refuse(lines_matching(registry, kept_files()), "where packages come from is each machine's own affair")


def test_no_file_names_a_path_of_one_machine() -> None:
    refuse(lines_matching(MACHINE_PATH, kept_files()), "start from the file's own folder")
