"""What goes out: replies and what they are made of. Frozen data, no behaviour.

Owns what an author makes, and its checks: `reply` has replies, `buttons` what hangs below them,
`texts` what is said, `native` calls by a platform's own names. What becomes of it on a platform is
the outbox's business. Public names: those below.
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
from chatstate.replies.native import Native, files_in
from chatstate.replies.reply import FILES_LIMIT, AnyReply, Delete, Reply
from chatstate.replies.texts import Markdown, require_text

__all__ = [
    "BUTTONS_LIMIT",
    "FILES_LIMIT",
    "LABEL_LIMIT",
    "ROW_LIMIT",
    "VALUE_LIMIT",
    "AnyReply",
    "Button",
    "Buttons",
    "Delete",
    "Markdown",
    "Native",
    "Reply",
    "files_in",
    "fit_label",
    "require_text",
    "rows_of",
]
