"""One chat under two of the platform's ids.

1. Usually the new id is unknown: it becomes another name of the chat, and all else stays.
2. If both were in use, the older chat stays. What is the other's is moved to it, but for values
   and timers that it has itself.
3. Events that are moved into a conversation are news to whoever holds that.
"""

from __future__ import annotations

import logging

from msgspec.structs import replace

from chatstate.testing.memory import timers
from chatstate.testing.memory.holds import tell
from chatstate.testing.memory.tables import OF_A_CONVERSATION, MemoryData

log = logging.getLogger("chatstate.store")


def note(data: MemoryData, account: int, old: str, new: str) -> None:
    """Make two ids those of one chat."""
    known = {
        data.chat_ids[account, name] for name in (old, new) if (account, name) in data.chat_ids
    }
    if not known:
        return
    chat, *others = sorted(known)
    for other in others:
        _merge(data, chat, other)
    data.chat_ids[account, old] = data.chat_ids[account, new] = chat
    data.chats[chat].platform_id = new


def _merge(data: MemoryData, first: int, second: int) -> None:
    _move_values(data, ("chat",), second, first)
    for (chat, thread), other in list(data.threads.items()):
        mine = data.threads.get((first, thread))
        if chat == second and mine is not None:
            _merge_conversations(data, mine, other)
        elif chat == second:
            data.threads[first, thread] = other
            data.conversations[other].chat = first


def _merge_conversations(data: MemoryData, mine: int, other: int) -> None:
    _move_values(data, OF_A_CONVERSATION, other, mine)
    for event in data.events.values():
        if event.conversation == other:
            event.conversation = mine
    data.waiting[mine] = dict(sorted({**data.waiting[mine], **data.waiting.pop(other, {})}.items()))
    for row in data.lines.get(other, {}).values():
        row.owed = replace(row.owed, conversation=mine)
    data.lines[mine] = dict(sorted({**data.lines[mine], **data.lines.pop(other, {})}.items()))
    for letter in data.letters.values():
        if letter.conversation == other:
            letter.conversation = mine
    for value in data.values.values():
        if value.conversation == other:
            value.conversation = mine
    for sent in data.sent.values():
        if sent.conversation == other:
            sent.conversation = mine
    timers.move(data, mine, other)
    _hand_over(data, mine, other)


def _hand_over(data: MemoryData, mine: int, other: int) -> None:
    kept, left = data.conversations[mine], data.conversations[other]
    if kept.holder is not left.holder:
        kept.holder = kept.holder or left.holder
        tell(data, mine)


def _move_values(data: MemoryData, scopes: tuple[str, ...], other: int, mine: int) -> None:
    for key in [key for key in data.values if key.scope in scopes and key.place == other]:
        there = key._replace(place=mine)
        if there in data.values:
            row = data.values[key]
            row.value = replace(row.value, expires_at=None)
            log.warning("two chats became one: %s is kept aside, the older chat has its own", key)
        else:
            data.values[there] = data.values.pop(key)
