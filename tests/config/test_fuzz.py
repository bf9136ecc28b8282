"""Whatever the files hold, loading returns a configuration or a list of problems, soon."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from routing.config.load import load, run_policy_tests
from routing.errors import ConfigError

SOUND = Path(__file__).parents[1] / "golden" / "config" / "sound"
ROUTER, POLICY = (SOUND / "router.yaml").read_bytes(), (SOUND / "policy.yaml").read_bytes()
ROOT = Path(__file__).parents[2]
SHIPPED_ROUTER = (ROOT / "router.yaml").read_bytes().replace(b"policies/default.yaml", b"policy.yaml")
SHIPPED_POLICY = (ROOT / "policies" / "default.yaml").read_bytes()
CATALOG = b"""vendor: acme
kinds: [openai]
models:
  gpt-image-2: {like: openai:gpt-image-2}
  acme-paint-1:
    operations: [generate, edit]
    sizes: {multiple_of: 16, edge_at_most: 2048, ratio_at_most: 3, pixels_at_least: 655360, pixels_at_most: 4194304}
    default_size: 1024x1024
    qualities: [low, high]
    default_quality: low
    n: 4
    prompt_chars: 4000
    references: 4
    tokens: {grid: {low: 16, high: 48}, reference_at_most: 1536}
    rates: [{since: 2026-09-01, text_in: 5, image_in: 8, image_out: 30, source: a contract}]
    tiers: {"1": {images: 5}}
  acme-paint-2: {like: acme:acme-paint-1, aliases: [paint], extras: {seed: []}, shutdown: {on: 2027-01-01}}
  acme-sketch: {like: acme:acme-paint-1, tokens: {steps: [[1048576, 100], [4194304, 400]]}, price_map: gpt-image-2}
gone: {acme-paint-0: {on: 2026-01-01, substitute: acme-paint-1}}
"""
ENV = {"OPENAI_API_KEY": "set"}

BITS = [
    *(b"{", b"}", b"[", b"]", b": ", b"- ", b"&a ", b"*a", b"!!x ", b"<<: ", b"\t", b"\n", b"  ", b"'", b'"', b"|"),
    *(b"null", b"~", b"true", b"1e999999999", b"-1", b"0", b"9" * 50, b"1_000", b"15:00", b"nan", b".inf", b"100%"),
    *(b"when: {}", b"at_least: 3", b"importance", b"final", b"1024x1024", b"\x00", b"\xff", "\u2028é".encode(), b"#"),
]


def try_to_load(router: bytes, policy: bytes, catalog: bytes = b"") -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "router.yaml"
        path.write_bytes(router)
        (Path(folder) / "catalog.yaml").write_bytes(catalog)
        (Path(folder) / "policy.yaml").write_bytes(policy)
        try:
            run_policy_tests(load(path, ENV, today=date(2026, 11, 21)))
        except ConfigError as refused:
            problems = refused.problems
        else:
            return
    assert problems
    for problem in problems:
        content = {"router.yaml": router, "policy.yaml": policy, "catalog.yaml": catalog}[Path(problem.file).name]
        ends = sum(content.count(end) for end in (b"\n", b"\r", b"\xa8", b"\x85"))  # YAML knows some more than \n
        assert 1 <= problem.line <= ends + 2
        assert problem.column >= 1


@given(st.binary(max_size=300), st.sampled_from([b"", ROUTER]))
def test_any_bytes_are_answered(noise: bytes, before: bytes) -> None:
    try_to_load(before + noise, POLICY)
    try_to_load(ROUTER, POLICY + noise)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut, repeat and insert where it hurts."""
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted(draw(st.tuples(st.integers(0, len(content)), st.integers(0, len(content)))))
        end = min(end, at + 40)
        piece = draw(st.one_of(st.sampled_from(BITS), st.just(content[at:end] * 2), st.just(b"")))
        content = content[:at] + piece + content[end if draw(st.booleans()) else at :]
    return content


@given(damaged(ROUTER), damaged(POLICY))
def test_any_damage_is_answered(router: bytes, policy: bytes) -> None:
    try_to_load(router, policy)


@given(damaged(SHIPPED_ROUTER), damaged(SHIPPED_POLICY))
def test_any_damage_to_the_shipped_files_is_answered(router: bytes, policy: bytes) -> None:
    try_to_load(router, policy)


@given(damaged(CATALOG))
def test_any_damage_to_a_catalog_is_answered(catalog: bytes) -> None:
    try_to_load(ROUTER + b"catalog: [catalog.yaml]\n", POLICY, catalog)


SLIPS = [
    *("\t", " ", "  ", "      ", "- ", "#", "&a ", "*a ", "!t ", "? ", "| ", "> ", "%", "@", "`", "--- ", "... "),
    *(
        '"',
        "'",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        ": ",
        "{{x}}",
        "${X}",
        "“final”",
        "١٢",
        "１２",
        "\u00a0",
        "\u202e",
        "é\u0301",
    ),
    *("9" * 5_000, "x" * 70_000, "[" * 40, "{a: " * 40, "a: " * 20, "\ufeff", "\U0001f98a", "=" * 5, "null", "no"),
]
"""What slips into a file while it is edited by hand or by a template."""


@st.composite
def edited(draw: st.DrawFn, content: bytes) -> bytes:
    """Edit lines as people and programs do: lose, repeat, move and indent them, flip bytes, slip something in."""
    lines = content.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 5))):
        at, to = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        line = lines[at]
        column = draw(st.integers(0, len(line) - 1))
        change = draw(st.sampled_from(["lose", "repeat", "move", "indent", "flip", "slip", "cut", "join"]))
        if change == "lose" and len(lines) > 1:
            del lines[at]
        elif change == "repeat":
            lines[to:to] = lines[at : at + draw(st.integers(1, 8))]
        elif change == "move":
            lines.insert(to, lines.pop(at))
        elif change == "indent":
            lines[at] = b" " * draw(st.integers(0, 8)) + line.lstrip(b" ")
        elif change == "flip":
            lines[at] = line[:column] + bytes([line[column] ^ 1 << draw(st.integers(0, 7))]) + line[column + 1 :]
        elif change == "slip":
            lines[at] = line[:column] + draw(st.sampled_from(SLIPS)).encode() + line[column:]
        elif change == "cut":
            lines[at] = line[:column]
        else:
            lines[at] = line.rstrip(b"\n")
        lines = [line for line in lines if line] or [b"\n"]
    return b"".join(lines)


@given(edited(SHIPPED_ROUTER), edited(SHIPPED_POLICY))
def test_any_slip_while_editing_the_shipped_files_is_answered(router: bytes, policy: bytes) -> None:
    try_to_load(router, policy)


WORDS = """
    version policy providers deployments budgets limit window kind importance sort routes use when tags n at_least
    one_of not at_most tests given expect ask quality size max_price pick prices ledger url
"""
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5000),
    st.sampled_from(["final", "draft", "gpt-image-2", "1024x1024", "40%", "5m"]),
)
keys = st.sampled_from(WORDS.split())
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=25,
)


def flow(value: object) -> str:
    """Write plain values as YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return "null" if value is None else str(value)  # True and False are words of YAML too


@given(st.dictionaries(keys, trees, max_size=8), st.dictionaries(keys, trees, max_size=8))
def test_any_values_in_any_place_are_answered(router: dict[str, object], policy: dict[str, object]) -> None:
    router.setdefault("policy", "policy.yaml")
    try_to_load(flow(router).encode(), flow(policy).encode())
