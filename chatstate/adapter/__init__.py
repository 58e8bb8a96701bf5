"""The contract between the core and a platform: what adapters implement and what they are given.

Owns the data that crosses that border and nothing that knows a platform. Public names, for
adapters: those below.
"""

from chatstate.adapter.contract import (
    Action,
    Adapter,
    Capabilities,
    Host,
    Part,
    Post,
    PostButton,
    Receipt,
    ReceiptStatus,
    Sent,
    StoredFile,
    Verb,
)

__all__ = [
    "Action",
    "Adapter",
    "Capabilities",
    "Host",
    "Part",
    "Post",
    "PostButton",
    "Receipt",
    "ReceiptStatus",
    "Sent",
    "StoredFile",
    "Verb",
]
