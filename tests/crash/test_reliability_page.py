"""docs/reliability.md and the failure table of docs/time.md promise only what is tested."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
TIME = (ROOT / "docs" / "time.md").read_text().partition("## When something fails")[2]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE + TIME)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_the_page_names_exists(file: str, name: str) -> None:
    """Whoever renames one must tell the page."""
    tree = ast.parse((ROOT / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {node.name for node in tree.body if isinstance(node, functions)}


def test_each_file_that_the_page_names_exists() -> None:
    """Commands and suites too."""
    files = set(re.findall(r"\btests/[\w/]+\.py\b", PAGE + TIME))
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_each_row_of_its_tables_names_a_test() -> None:
    """A row without one is a promise without proof."""
    rows = [line for line in (PAGE + TIME).splitlines() if re.match(r"\|(?!---)", line)]
    unproven = [row for row in rows if "`tests/" not in row and "| tested by |" not in row]
    assert unproven == []
    assert len(rows) > 15
