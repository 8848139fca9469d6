"""The order of imports, and that what must answer at once imports nothing heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lethe"
# A module imports only from its left. Modules side by side in one place may import each other.
ORDER = [
    ("plug", "_version"),
    ("process", "tracking"),
    ("yaml12",),
    ("config",),
    ("overrides", "schema"),
    ("runs",),
    ("protocol",),
    ("records", "data"),
    ("locate",),
    ("model",),
    ("batches",),
    ("_llama", "generate", "likelihood", "gradient"),
    ("asking",),
    ("languages", "refusal", "leak", "faults"),
    ("distance",),
    ("replies", "endpoint"),
    ("opinions",),
    ("rewards", "metrics"),
    ("world",),
    ("synthesis",),
    ("benchmarks",),
    ("stages",),
    ("recorder",),
    ("evaluate",),
    ("rejudge",),
    ("attacks",),
    ("judging",),
    ("report",),
    ("table",),
    ("card", "hub"),
    ("export",),
    ("compare",),
    ("earlier",),
    ("planning",),
    ("estimate",),
    ("pipeline",),
    ("quickstart",),
    ("sweep",),
    ("launch",),
    ("commands",),
    ("cli",),
    ("__main__",),
]
PLACE = {name: i for i, names in enumerate(ORDER) for name in names}
HEAVY = [
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "accelerate",
    "pandas",
    "jinja2",
    "tyro",
]


def imported(file: Path) -> Iterator[str]:
    """The parts of lethe that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            module = node.module or ""
            names = [f"{module}.{a.name}" for a in node.names] if module == "lethe" else [module]
        for name in names:
            if name.startswith("lethe."):
                yield name.split(".")[1]


def parts() -> list[str]:
    return sorted(
        path.stem
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").is_file()) and path.stem != "__init__"
    )


def test_every_part_has_its_place():
    missing = [part for part in parts() if part not in PLACE]
    assert not missing, f"add to ORDER in {__file__}: {missing}"


@pytest.mark.parametrize("part", parts())
def test_imports_only_from_the_left(part):
    folder = PACKAGE / part
    files = folder.rglob("*.py") if folder.is_dir() else [PACKAGE / f"{part}.py"]
    for file in files:
        for other in imported(file):
            right = PLACE[other] > PLACE[part]
            assert not right, f"{file.relative_to(PACKAGE)} imports lethe.{other}, to its right"


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_light_commands_import_nothing_heavy():
    code = (
        "import sys, contextlib\nfrom lethe import cli\n"
        "for argv in (['--help'], ['run', '--help'], ['list'], ['list', 'stage']):\n"
        "    with contextlib.suppress(SystemExit): cli.main(argv)\n"
        f"heavy = {[*HEAVY, 'numpy', 'pydantic', 'rich']}\n"
        "print('loaded:', [name for name in heavy if name in sys.modules])"
    )
    assert python(code).splitlines()[-1] == "loaded: []"


def test_every_public_module_can_be_imported_without_anything_heavy():
    modules = [
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
        for file in sorted(PACKAGE.rglob("[!_]*.py"))
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        f"print('loaded:', [name for name in {HEAVY} if name in sys.modules])"
    )
    assert python(code).splitlines()[-1] == "loaded: []"


def test_the_names_of_the_package():
    code = (
        "import sys, lethe\n"
        "assert 'pydantic' not in sys.modules\n"
        "assert lethe.Recipe.__name__ == 'Recipe' and lethe.Row.__name__ == 'Row'\n"
        "assert callable(lethe.run) and callable(lethe.load_recipe) and callable(lethe.judge)\n"
        "assert issubclass(lethe.LetheError, Exception)\n"
        "assert all(hasattr(lethe, name) for name in dir(lethe))\n"
        "import lethe.evaluate\n"
        "assert lethe.evaluate.evaluate.__name__ == 'evaluate'\n"
        "try: lethe.nothing\n"
        "except AttributeError as error: print(error)"
    )
    assert python(code) == "module 'lethe' has no attribute 'nothing'\n"


def test_help_answers_within_half_a_second(timed):
    done, seconds = timed([sys.executable, "-m", "lethe", "--help"])
    assert done.returncode == 0 and seconds < 0.5
