"""The pages that promise what happens when something fails promise only what is tested."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("reliability", "dialogues")}
PAGES["time"] = (ROOT / "docs" / "time.md").read_text().partition("## When something fails")[2]
NAMED = sorted(
    {named for page in PAGES.values() for named in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)}
)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_the_page_names_exists(file: str, name: str) -> None:
    """Whoever renames one must tell the page."""
    assert re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_each_file_that_a_page_names_exists(page: str) -> None:
    """Commands and suites too."""
    files = set(re.findall(r"\btests/[\w/]+\.py\b", page))
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_each_row_of_its_tables_names_a_test(page: str) -> None:
    """A row without one is a promise without proof."""
    rows = [line for line in page.splitlines() if re.match(r"\|(?!---)", line)]
    unproven = [row for row in rows if "`tests/" not in row and "| tested by |" not in row]
    assert unproven == []
    assert len(rows) > 15
