"""A page of our own as a platform: in a browser, with nothing lost up to there.

Owns who is let in and what they do (`receive`), what is shown of that (`send`, `live`) and the page
itself, which is three files in `page`. Public names: those below.
"""

from chatstate_web.adapter import WebAdapter
from chatstate_web.options import WebOptions

UPDATES = WebAdapter.updates

__all__ = ["UPDATES", "WebAdapter", "WebOptions"]
