"""Imports flow one way, and starting up loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "harness" / "naysay"
LEAVES = {
    "errors", "schema", "content", "registry", "runfolder", "agreement", "raters", "numbered", "records", "writing",
    "yaml_keys",
}  # fmt: skip
MAY_IMPORT = {
    "errors": set(),
    "schema": set(),
    "content": {"errors"},
    "registry": {"errors"},
    "records": {"errors", "schema"},
    "writing": {"errors"},
    "yaml_keys": {"errors"},
    "runfolder": {"errors", "schema", "numbered", "records", "writing"},
    "agreement": {"schema"},
    "raters": set(),
    "numbered": set(),
    "task": LEAVES,
    "model": LEAVES,
    "judge": LEAVES,
    "agent": LEAVES,
    "run": LEAVES | {"task", "model", "judge", "agent"},
    "measure": LEAVES,
    "trace": LEAVES | {"measure"},
    "board": LEAVES | {"measure", "trace"},
    "annotate": LEAVES | {"measure", "board"},
}
TOP = {"__main__", "cli", "lmeval", "lmeval_models"}
HEAVY = {
    "torch", "transformers", "datasets", "lm_eval", "sklearn", "scipy", "numpy", "openai", "anthropic", "jinja2",
    "aiohttp", "pandas",
}  # fmt: skip


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py" or path.parent != PACKAGE)


def part(path):
    inside = path.relative_to(PACKAGE).parts
    return inside[0].removesuffix(".py")


def imported_parts(path):
    package = ("naysay", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, [base, node.module]))
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "naysay" else [base]
        for name in names:
            words = name.split(".")
            if words[0] == "naysay" and len(words) > 1 and words[1] != "__version__":
                yield words[1]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below_it(path):
    own = part(path)
    if own in TOP:
        return
    allowed = MAY_IMPORT[own] | {own}
    assert set(imported_parts(path)) <= allowed


def loaded_by(code):
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import naysay",
        "import naysay.cli.main",
        "from naysay.cli.main import app\ntry:\n    app(['--help'])\nexcept SystemExit:\n    pass",
        "from naysay.cli.main import app\ntry:\n    app(['run', '--help'])\nexcept SystemExit:\n    pass",
    ],
)
def test_starting_up_loads_no_heavy_package(code):
    assert not loaded_by(code) & HEAVY


def test_the_package_runs_as_the_command():
    done = subprocess.run([sys.executable, "-m", "naysay", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split()


def test_every_subpackage_is_named_for_the_wheel():
    import tomllib

    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())
    named = {name for name in project["tool"]["setuptools"]["packages"] if not name.startswith("naysay._content")}
    found = {".".join(("naysay", *p.parent.relative_to(PACKAGE).parts)) for p in PACKAGE.rglob("__init__.py")}
    assert named == found
