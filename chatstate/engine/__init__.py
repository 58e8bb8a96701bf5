"""Carries events to their commit and replies to their platform.

adapter → `host` (into the inbox) → `lanes` (one conversation, in order) → `turns` (the handler)
→ `commits` (one transaction for many turns) → `sender` (out of the outbox) → adapter
"""

from chatstate.engine.engine import Engine

__all__ = ["Engine"]
