"""`Forgetting`, on dicts.

1. All that is somebody's goes in one step of the event loop, but for the mark of who it was.
2. The rows of chats stay, without any name: who still has their numbers finds nobody there.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from chatstate.messages import Chat, User
from chatstate.stores import erasing
from chatstate.stores.base import Request
from chatstate.stores.broadcasts import Recipient
from chatstate.stores.forgetting import Erased, Forgotten, erase_files, mark_of
from chatstate.testing.memory.tables import OF_A_CONVERSATION, MemoryData
from chatstate.testing.memory.verbs import Verbs, verb


def note(data: MemoryData, request: Request, now: float) -> bool:
    """Note that somebody is to be forgotten. False if they are already, or are not known."""
    person = data.people.get(request.number)
    open_ones = [row.person for row in data.forgotten.values() if row.done_at is None]
    if person is None or request.number in open_ones:
        return False
    bot, platform, account = next(n for n, id_ in data.accounts.items() if id_ == person.account)
    mark = mark_of(data.secrets[bot], platform, account, person.platform_id)
    number = data.number("forgotten")
    whose = (bot, person.account, request.number, person.platform_id)
    data.forgotten[number] = Forgotten(number, *whose, mark, now, request.turn)
    return True


class MemoryForgetting(Verbs):
    """The verbs of `chatstate.stores.forgetting.Forgetting`."""

    async def forgotten(self, *, is_open: bool = False) -> Sequence[Forgotten]:
        await self.way()
        rows = self._data.forgotten.values()
        return [row for row in rows if not (is_open and row.done_at is not None)]

    @verb
    def bury(self, mark: str, at: float) -> None:
        bot, number = self._worker.bot, self._data.number("forgotten")
        row = Forgotten(number, bot, 0, 0, "", mark, at, 0, at, at)
        self._data.forgotten[number] = row
        bury(self._data, bot)

    async def forget(self, number: int) -> Erased:
        await self.way()
        self.enter()
        forgotten = self._data.forgotten[number]
        if not forgotten.user:
            return Erased()
        erased = _Erasing(self._data, forgotten).all(self._clock())
        await asyncio.to_thread(erase_files, self._data.folder, erased.turns)
        return erased

    @verb
    def passed(self, number: int) -> bool:
        passed = self._data.passed[number]
        passed.add(self._worker.id)
        bot = self._worker.bot
        return all(w.id in passed for w in self._data.workers.values() if w.bot == bot)

    @verb
    def forgot(self, number: int) -> None:
        row = self._data.forgotten[number]
        self._data.forgotten[number] = replace(row, user="", person=0, turn=0)

    @verb
    def scrub(self, number: int) -> None:
        row = self._data.forgotten[number]
        self._data.forgotten[number] = replace(row, done_at=self._clock())


class _Erasing:
    """Erases one person in one step of the event loop."""

    def __init__(self, data: MemoryData, forgotten: Forgotten) -> None:
        self._data = data
        self._row = forgotten
        self._person = forgotten.person

    def all(self, now: float) -> Erased:
        data = self._data
        self._adopt()
        chats = {number for number, chat in data.chats.items() if chat.person == self._person}
        lanes = {number for number, row in data.conversations.items() if row.chat in chats}
        turns = {
            row.seq
            for row in data.events.values()
            if row.person == self._person or row.conversation in lanes
        }
        self._unsay(chats, lanes)
        self._drop(turns, lanes)
        self._drop_values(chats, lanes)
        for seq in turns:
            self._end(seq, now)
        self._drop_names(chats)
        data.forgotten[self._row.number] = replace(self._row, erased_at=now)
        bury(data, self._row.bot)
        return Erased(sorted(turns), sorted(lanes), sorted(chats))

    def _adopt(self) -> None:
        for number, chat in self._data.chats.items():
            is_open = chat.kind == "private" and chat.account == self._row.account
            if is_open and not chat.person and chat.platform_id == self._row.user:
                self._data.chats[number].person = self._person

    def _unsay(self, chats: Collection[int], lanes: Collection[int]) -> None:
        data, row = self._data, self._row
        ids = [platform_id for (_, platform_id), chat in data.chat_ids.items() if chat in chats]
        for number, request in list(data.requests.items()):
            if request.key and _is_theirs(request.key[1:], self._person, lanes):
                del data.requests[number]
        somebody = Recipient(row.account, user=User(row.user))
        in_chats = [Recipient(row.account, Chat(id_)) for id_ in ids]
        for number, asked in list(data.asked.items()):
            text = erasing.encoded(asked.request)
            own = {"person": self._person, "account": row.account}
            if erasing.is_theirs(text, asked.request.account, own, row.user, ids, lanes):
                del data.asked[number]
        for recipients in data.recipients.values():
            for number, recipient in list(recipients.items()):
                is_theirs = recipient.conversation in lanes and recipient.conversation
                if is_theirs or _same(recipient.recipient, (somebody, *in_chats)):
                    del recipients[number]
        for number, job in list(data.broadcasts.items()):
            if job.audience.listed:
                left = erasing.left_of(job.audience, row.account, row.user, ids)
                data.broadcasts[number] = replace(job, audience=left)

    def _drop(self, turns: Collection[int], lanes: Collection[int]) -> None:
        data, is_theirs = self._data, functools.partial(_is_there, turns=turns, lanes=lanes)
        dead = [
            letter
            for letter in data.letters.values()
            if letter.person == self._person or is_theirs(letter.conversation, letter.turn)
        ]
        for turn in (*turns, *(letter.turn for letter in dead)):
            data.notes.pop(turn, None)
        data.letters = {n: row for n, row in data.letters.items() if row not in dead}
        data.buttons = {
            ref: row
            for ref, row in data.buttons.items()
            if row.person != self._person and not is_theirs(row.found.conversation, row.turn)
        }
        data.sent = {
            ref: row
            for ref, row in data.sent.items()
            if row.person != self._person and not is_theirs(row.conversation, row.turn)
        }
        for conversation, line in data.lines.items():
            for number, reply in list(line.items()):
                if reply.person == self._person or is_theirs(conversation, reply.owed.turn):
                    del line[number]
        data.timers = {
            of: timer
            for of, timer in data.timers.items()
            if not (of[0] in lanes or of[1] == self._person)
        }

    def _drop_values(self, chats: Collection[int], lanes: Collection[int]) -> None:
        for key in list(self._data.values):
            of_chat = key.scope == "chat" and key.place in chats
            if of_chat or _is_theirs(key[1:], self._person, lanes):
                del self._data.values[key]

    def _end(self, seq: int, now: float) -> None:
        row = self._data.events[seq]
        row.body = ""
        row.done_at = now if row.done_at is None else row.done_at
        self._data.waiting.get(row.conversation, {}).pop(seq, None)

    def _drop_names(self, chats: Collection[int]) -> None:
        data = self._data
        for name in [name for name, chat in data.chat_ids.items() if chat in chats]:
            del data.chat_ids[name]
        for number in chats:
            data.chats[number].platform_id = data.chats[number].title = ""
        for name in [name for name, person in data.person_ids.items() if person == self._person]:
            del data.person_ids[name]
        data.people.pop(self._person, None)


def bury(data: MemoryData, bot: str) -> None:
    """Let the tombstones of a bot be those of all who were forgotten."""
    marks: dict[str, float] = {}
    for row in data.forgotten.values():
        if row.erased_at is not None:
            marks[row.mark] = max(row.erased_at, marks.get(row.mark, 0.0))
    data.tombstones[bot].set(data.secrets[bot], list(marks.items()))


def _is_there(
    conversation: int, turn: int, *, turns: Collection[int], lanes: Collection[int]
) -> bool:
    return conversation in lanes or turn in turns


def _is_theirs(of: tuple[str, str, int, int], person: int, lanes: Collection[int]) -> bool:
    scope, _, place, whose = of
    return whose == person or (scope in OF_A_CONVERSATION and place in lanes)


def _same(recipient: Recipient, those: Sequence[Recipient]) -> bool:
    def name(r: Recipient) -> tuple[int, str, str]:
        return r.account, r.user.id if r.user else "", r.chat.id if r.chat else ""

    return name(recipient) in map(name, those)
