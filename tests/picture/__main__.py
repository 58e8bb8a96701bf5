"""Draw the pictures of README: `PYTHONPATH=tests python -m picture`."""

import asyncio

from picture.drawing import badges, svg
from picture.project import BADGES, PICTURE, told
from picture.scene import scene

PICTURE.write_text(svg(asyncio.run(scene())), encoding="utf-8")
BADGES.write_text(badges(told()), encoding="utf-8")
