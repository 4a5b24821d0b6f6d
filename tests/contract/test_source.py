"""What no file of ours does: run what it reads, speak to addresses of a caller's choice, use a weak or unlisted cipher (ASVS 5.0)."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from re import _parser as expressions  # the module behind `re.compile`, without a public name
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "libs/common/src", ROOT / "libs/operator/src", ROOT / "libs/sandbox/src", *sorted(ROOT.glob("services/*/src"))]
"""What runs: `libs/testing` does not; `random` and the like are for its stands."""

Finding = tuple[str, str]
"""Module and what was found there."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module that runs, parsed, by its path below `src`."""
    found = {str(file.relative_to(source)): file for source in SOURCES for file in sorted(source.rglob("*.py"))}
    return {name: ast.parse(file.read_text("utf-8")) for name, file in found.items()}


def imported(tree: ast.AST) -> Iterator[str]:
    """`x.y` of `import x.y`, and `x.y.z` of `from x.y import z`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def renamed(tree: ast.AST) -> Iterator[str]:
    """What `from … import … as …` brings in under another name, by its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if alias.asname)


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, str]]]:
    """The function as it is written, and its keyword arguments as they are written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}


def users_of(*packages: str) -> set[str]:
    """The modules that import one of the packages or something below it."""
    return {name for name, tree in modules().items() if any(_is_below(found, packages) for found in imported(tree))}


def _is_below(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


RUNNING = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "asyncio.create_subprocess_shell", "yaml.load"}
RUNNING_TOO = ("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "code", "runpy", "ctypes", "cffi")
INTERPRETERS = (
    "ldap", "ldap3", "lxml", "xml", "defusedxml", "xmlrpc", "jinja2", "mako", "django", "memcache", "pymemcache", "aiomcache", "smtplib",
    "imaplib", "aiosmtplib", "graphene", "strawberry", "ariadne", "websockets", "wsproto", "aiortc", "markdown", "jpype", "pylatex",
    "zipfile", "tarfile", "PIL", "starlette.staticfiles", "starlette.templating", "starlette.websockets", "starlette.middleware.cors",
    "starlette.middleware.sessions", "fastapi.staticfiles", "fastapi.templating", "fastapi.UploadFile", "fastapi.File", "fastapi.Form",
)  # fmt: skip
"""Of languages, protocols and kinds of files that the services do not speak: what they would open up needs no rule here."""


def runs_what_it_reads(tree: ast.AST) -> Iterator[str]:
    yield from (name for name in imported(tree) if _is_below(name, RUNNING_TOO))
    for function, keywords in calls(tree):
        if function in RUNNING or keywords.get("shell", "False") != "False":
            yield function


def speaks_another_language(tree: ast.AST) -> Iterator[str]:
    yield from (name for name in imported(tree) if _is_below(name, INTERPRETERS))


def trusts_whoever_answers(tree: ast.AST) -> Iterator[str]:
    for function, keywords in calls(tree):
        if keywords.get("verify", "True") != "True" or keywords.get("follow_redirects", "False") != "False":
            yield function
    yield from (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in WITHOUT_CHECKS)


WITHOUT_CHECKS = {"CERT_NONE", "CERT_OPTIONAL", "check_hostname", "_create_unverified_context"}
PRIMITIVES = re.compile(
    r"cryptography\.(exceptions\.(InvalidTag|InvalidSignature)|hazmat\.primitives\.(hashes\.(SHA256|SM3)|hmac\.HMAC|kdf\.hkdf\.HKDF"
    r"|ciphers\.Cipher|ciphers\.aead\.(AESGCM|AESGCMSIV)|ciphers\.algorithms\.SM4|ciphers\.modes\.GCM"
    r"|asymmetric\.ed25519\.Ed25519(Private|Public)Key))"
)
"""Authenticated encryption, SHA-256, SM3 and Ed25519; SM4 in no other mode than GCM."""

HASHES = {"hashlib.sha256", "hashlib.blake2b", "hashlib.file_digest"}
BROKEN = {"hashlib.md5", "hashlib.sha1", "md5", "sha1"}
"""They may still number things, where nobody gains by two things of one number; each call says so, under their own name."""


def uses_a_weak_primitive(tree: ast.AST) -> Iterator[str]:
    yield from (name for name in imported(tree) if name.startswith("cryptography") and not PRIMITIVES.fullmatch(name))
    yield from (name for name in imported(tree) if name.startswith("hashlib.") and name not in HASHES | BROKEN)
    yield from (name for name in renamed(tree) if name in BROKEN)
    for function, keywords in calls(tree):
        is_unlisted = re.fullmatch(r"hashlib\.\w+", function) and function not in HASHES | BROKEN
        if is_unlisted or (function in BROKEN and keywords.get("usedforsecurity") != "False"):
            yield function


PATTERN_FUNCTIONS = {f"re.{name}" for name in ("compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer")}


def searches_by_a_dangerous_pattern(tree: ast.AST) -> Iterator[str]:
    """A pattern that is no literal may be a caller's words; an unbounded repeat inside another takes exponential time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PATTERN_FUNCTIONS:
            pattern = node.args[0]
            if not isinstance(pattern, ast.Constant) or _repeats_a_repeat(expressions.parse(pattern.value), within=False):
                yield ast.unparse(pattern)


def _repeats_a_repeat(parsed: Any, *, within: bool) -> bool:
    for operator, argument in parsed:
        is_repeat = str(operator) in ("MAX_REPEAT", "MIN_REPEAT") and argument[1] is expressions.MAXREPEAT
        if is_repeat and within:
            return True
        if any(_repeats_a_repeat(part, within=within or is_repeat) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> Iterator[Any]:
    if isinstance(argument, expressions.SubPattern):
        yield argument
    elif isinstance(argument, (tuple, list)):
        for member in argument:
            yield from _parts(member)


def fills_in_a_text_from_elsewhere(tree: ast.AST) -> Iterator[str]:
    """A template that is no constant of ours may name attributes of what is filled in."""
    for node in ast.walk(tree):
        is_formatting = (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "format_map")
        )
        if is_formatting and not re.fullmatch(r"""["'].*|_?[A-Z][A-Z0-9_]*""", ast.unparse(node.func.value), re.DOTALL):
            yield ast.unparse(node.func)


def asks_for_debugging(tree: ast.AST) -> Iterator[str]:
    for function, keywords in calls(tree):
        if keywords.get("debug", "False") != "False" or function in ("breakpoint", "pdb.set_trace"):
            yield function


Check = Callable[[ast.AST], Iterator[str]]
BREACHES: list[tuple[Check, str]] = [
    (runs_what_it_reads, "eval(body)"),
    (runs_what_it_reads, "subprocess.run(command, shell=True)"),
    (runs_what_it_reads, "import pickle"),
    (runs_what_it_reads, "yaml.load(text, Loader)"),
    (runs_what_it_reads, "from ctypes import CDLL"),
    (speaks_another_language, "from xml.etree import ElementTree"),
    (speaks_another_language, "from fastapi import UploadFile"),
    (speaks_another_language, "from starlette.middleware.cors import CORSMiddleware"),
    (trusts_whoever_answers, "httpx.AsyncClient(verify=False)"),
    (trusts_whoever_answers, "httpx.get(url, follow_redirects=True)"),
    (trusts_whoever_answers, "context.check_hostname = False"),
    (uses_a_weak_primitive, "from cryptography.hazmat.primitives.ciphers.modes import ECB"),
    (uses_a_weak_primitive, "from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15"),
    (uses_a_weak_primitive, "hashlib.md5(b'')"),
    (uses_a_weak_primitive, "from hashlib import md4"),
    (uses_a_weak_primitive, "md5(b'')"),
    (uses_a_weak_primitive, "sha1(b'')"),
    (uses_a_weak_primitive, "from hashlib import md5 as sha256"),
    (searches_by_a_dangerous_pattern, "re.search(query, text)"),
    (searches_by_a_dangerous_pattern, "re.compile(r'(a+)+b')"),
    (searches_by_a_dangerous_pattern, "re.compile(r'^(([a-z])+.)+[A-Z]([a-z])+$')"),
    (fills_in_a_text_from_elsewhere, "body.text.format(customer=customer)"),
    (asks_for_debugging, "FastAPI(debug=True)"),
]
CHECKS: list[Check] = list(dict.fromkeys(check for check, _ in BREACHES))


@pytest.mark.parametrize(("check", "breach"), BREACHES, ids=[breach for _, breach in BREACHES])
def test_what_would_break_a_rule_is_found(check: Check, breach: str) -> None:
    assert list(check(ast.parse(breach)))


def _found(check: Check) -> list[Finding]:
    return [(name, found) for name, tree in modules().items() for found in check(tree)]


def test_nothing_runs_what_it_reads() -> None:
    assert _found(runs_what_it_reads) == []


def test_no_interpreter_of_another_language_is_at_hand() -> None:
    assert _found(speaks_another_language) == []


def test_every_peer_is_checked_and_no_redirect_followed() -> None:
    assert _found(trusts_whoever_answers) == []


def test_only_strong_primitives_are_used() -> None:
    assert _found(uses_a_weak_primitive) == []


def test_no_pattern_comes_from_a_caller_or_takes_exponential_time() -> None:
    assert _found(searches_by_a_dangerous_pattern) == []


def test_only_texts_of_ours_are_filled_in() -> None:
    assert _found(fills_in_a_text_from_elsewhere) == []


def test_every_statement_that_is_put_together_says_of_what() -> None:
    """Values go as parameters. What is put together of names of ours is excused where it stands, and nothing else is put together."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "S608",
        "--output-format",
        "concise",
        *map(str, SOURCES),
    ]
    found = subprocess.run(command, capture_output=True, text=True)
    assert (found.returncode, found.stdout.strip()) == (0, "All checks passed!"), found.stdout


def test_nobody_debugs_in_production() -> None:
    assert _found(asks_for_debugging) == []


def test_addresses_are_asked_in_three_places_none_of_them_a_callers_choice() -> None:
    """The issuer's keys, the collector of traces, and the children of `guanxi run`: each an operator's setting."""
    others = ("httpx", "requests", "aiohttp", "urllib3", "urllib.request", "http.client", "ftplib", "telnetlib", "socketserver")
    assert users_of(*others) == {
        "guanxi_common/http/client.py", "guanxi_common/telemetry/otlp.py", "guanxi_operator/supervisor.py",
    }  # fmt: skip
    askers = {name for name in modules() for found in imported(modules()[name]) if found == "guanxi_common.http.client.fetch"}
    assert askers == {"guanxi_common/security/jwks.py"}


def test_programs_are_started_in_four_places() -> None:
    """None of them an API or a worker: commands of an operator, and the supervisor."""
    others = ("asyncio.create_subprocess", "os.exec", "os.spawn", "os.fork")
    starting = users_of("subprocess", "multiprocessing") | {
        name for name, tree in modules().items() if any(function.startswith(others) for function, _ in calls(tree))
    }
    assert starting == {
        "guanxi_common/backup/programs.py", "guanxi_common/db/embedded.py", "guanxi_operator/children.py",
        "scoring_svc/commands/evaluate.py",
    }  # fmt: skip


def test_what_must_not_be_guessed_is_never_drawn_from_a_seeded_generator() -> None:
    seeded = users_of("random", "numpy.random") | {
        name for name, tree in modules().items() if any(".random." in f"{function}." for function, _ in calls(tree))
    }
    assert {name for name in seeded if not name.startswith(("guanxi_sandbox/", "scoring_svc/"))} == set()
    assert seeded & users_of("cryptography", "joserfc", "secrets", "guanxi_common.security", "guanxi_common.keys") == set()


def test_every_use_of_cryptography_stands_in_the_inventory() -> None:
    """`docs/guides/cryptography.md` names the module of each use, and no module that has none."""
    text = (ROOT / "docs/guides/cryptography.md").read_text("utf-8")
    listed = {f"{name}.py" for name in re.findall(r"^\| `([a-z0-9_/]+)` \|", text, re.MULTILINE)}
    assert listed == users_of("cryptography", "joserfc", "hashlib", "hmac", "secrets", "ssl")


def test_8a_at_most_25_files_have_a_function_of_more_than_six_parameters_each_with_its_reason() -> None:
    """A service as a whole is one that has not come to it yet."""
    named = re.findall(r'^"([^"]+\.py)" = \[[^]]*"PLR0913"[^]]*\](.*)$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(named) <= 25
    assert [name for name, reason in named if len(reason.strip().removeprefix("#").split()) < 3] == []
    assert [name for name, _ in named if not (ROOT / name).is_file()] == []
