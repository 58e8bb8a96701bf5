"""Where the pictures are, and what is told of the project: as `pyproject.toml` has it."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE, BADGES = ROOT / "docs" / "one-bot.svg", ROOT / "docs" / "badges.svg"


def told() -> dict[str, str]:
    """Return what the badges say."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, tools = read["project"], read["tool"]
    is_strict = tools["mypy"]["strict"] and tools["pyright"]["typeCheckingMode"] == "strict"
    return {
        "version": project["version"],
        "python": project["requires-python"].removeprefix(">=") + "+",
        "license": project["license"],
        "types": "strict" if is_strict else "some",
    }
