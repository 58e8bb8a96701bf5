"""The pictures in README are what the adapters show, and what is told of the project."""

from picture.drawing import badges, svg
from picture.project import BADGES, PICTURE, told
from picture.scene import scene


async def test_the_picture_is_what_the_adapters_show() -> None:
    """Drawn again it is the same: `PYTHONPATH=tests python -m picture`."""
    assert svg(await scene()) == PICTURE.read_text(encoding="utf-8")


def test_the_badges_say_what_is_so() -> None:
    """They are drawn by the same command."""
    assert badges(told()) == BADGES.read_text(encoding="utf-8")
