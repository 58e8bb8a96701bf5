"""What goes out: replies and what they are made of. Frozen data, no behaviour.

Owns what an author makes, and its checks: `reply` has replies, `buttons` what hangs below them,
`texts` what is said. What becomes of it on a platform is the outbox's business. Public names: those
below.
"""

from chatstate.replies.buttons import (
    BUTTONS_LIMIT,
    LABEL_LIMIT,
    ROW_LIMIT,
    VALUE_LIMIT,
    Button,
    Buttons,
    fit_label,
    rows_of,
)
from chatstate.replies.reply import FILES_LIMIT, Delete, Reply
from chatstate.replies.texts import Markdown, require_text

__all__ = [
    "BUTTONS_LIMIT",
    "FILES_LIMIT",
    "LABEL_LIMIT",
    "ROW_LIMIT",
    "VALUE_LIMIT",
    "Button",
    "Buttons",
    "Delete",
    "Markdown",
    "Reply",
    "fit_label",
    "require_text",
    "rows_of",
]
