"""The contract between the core and a platform: what adapters implement and what they are given.

Owns the data that crosses that border and nothing that knows a platform: `contract` has the verbs,
`host` those of the engine, `actions` what they carry, `capabilities` what a platform can do,
`events` what an event is once it is stored, `transcript` what pages of ours show,
`options` how an adapter declares what can be set,
`natives` which calls by a platform's own names are refused, `updates` what a platform tells of by
such names, `installing` where adapters are found, and what to type for a library that is missing,
`findings` what `chatstate doctor` is told. Public names, for adapters: those below. `http`, how one
listens, is taken from its module: it needs a web server.
"""

from chatstate.adapter.actions import (
    Absent,
    Action,
    Found,
    NativeCall,
    Part,
    Post,
    PostButton,
    PostCard,
    PostField,
    PostForm,
    PostOption,
    PostSelect,
    PostSuggestion,
    Sent,
    StoredFile,
    Unknown,
    Verb,
)
from chatstate.adapter.capabilities import Capabilities
from chatstate.adapter.completing import Typing, being_typed
from chatstate.adapter.contract import Adapter
from chatstate.adapter.events import proved
from chatstate.adapter.findings import Finding, fine, of_clocks, time_told
from chatstate.adapter.host import About, Host, Receipt, ReceiptStatus
from chatstate.adapter.installing import pip_line
from chatstate.adapter.natives import Natives
from chatstate.adapter.options import OptionField, declared_options, options_from, read_options
from chatstate.adapter.transcript import PageMessage, Transcript
from chatstate.adapter.updates import Updates, updates_of, why_not

__all__ = [
    "About",
    "Absent",
    "Action",
    "Adapter",
    "Capabilities",
    "Finding",
    "Found",
    "Host",
    "NativeCall",
    "Natives",
    "OptionField",
    "PageMessage",
    "Part",
    "Post",
    "PostButton",
    "PostCard",
    "PostField",
    "PostForm",
    "PostOption",
    "PostSelect",
    "PostSuggestion",
    "Receipt",
    "ReceiptStatus",
    "Sent",
    "StoredFile",
    "Transcript",
    "Typing",
    "Unknown",
    "Updates",
    "Verb",
    "being_typed",
    "declared_options",
    "fine",
    "of_clocks",
    "options_from",
    "pip_line",
    "proved",
    "read_options",
    "time_told",
    "updates_of",
    "why_not",
]
