"""What goes out: replies and what they are made of. Frozen data, no behaviour.

Owns what an author makes, and its checks: `reply` has replies, `buttons`, `selects` and
`suggestions` what hangs below them, `cards` and `texts` what is said, `shared` places, contacts and
polls, `native` calls by a platform's own names, `naming` what other libraries call it. What becomes
of it on a platform is the outbox's business. Public names: those below.
"""

from chatstate.replies.buttons import (
    BUTTONS_LIMIT,
    LABEL_LIMIT,
    ROW_LIMIT,
    VALUE_LIMIT,
    Button,
    Buttons,
    fit_label,
    is_command,
    rows_of,
)
from chatstate.replies.cards import Card
from chatstate.replies.native import Native, files_in
from chatstate.replies.reply import (
    FILES_LIMIT,
    AnyReply,
    Delete,
    React,
    Reply,
    files_of,
    plain,
    sharing,
)
from chatstate.replies.selects import Option, Select
from chatstate.replies.suggestions import ShareContact, ShareLocation, Suggestion, Suggestions
from chatstate.replies.texts import Markdown

__all__ = [
    "BUTTONS_LIMIT",
    "FILES_LIMIT",
    "LABEL_LIMIT",
    "ROW_LIMIT",
    "VALUE_LIMIT",
    "AnyReply",
    "Button",
    "Buttons",
    "Card",
    "Delete",
    "Markdown",
    "Native",
    "Option",
    "React",
    "Reply",
    "Select",
    "ShareContact",
    "ShareLocation",
    "Suggestion",
    "Suggestions",
    "files_in",
    "files_of",
    "fit_label",
    "is_command",
    "plain",
    "rows_of",
    "sharing",
]
