"""The verbs of what is asked for, and of what goes elsewhere than to who has spoken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chatstate.messages import Chat, Event
from chatstate.scope import Place
from chatstate.stores.base import Answer, DeadLetter, Ingested, Reference, Request
from chatstate.stores.sqlite import requests
from chatstate.stores.sqlite.claims import Claims
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.stores.sqlite.inbox import Inbox
from chatstate.stores.sqlite.looking import Looking
from chatstate.stores.sqlite.references import References
from chatstate.stores.sqlite.requests import Requests
from chatstate.stores.sqlite.sends import Sends


class Addressing(Looking):
    """Places, references and requests of a store that is open; `_run` is 0 while it is not."""

    _run: int = 0
    _commits: GroupCommit
    _inbox: Inbox
    _claims: Claims
    _requests: Requests
    _references: References
    _sends: Sends

    async def _read(self, statement: str, values: Sequence[object]) -> list[Any]:
        raise NotImplementedError

    async def place(self, account: int, chat: Chat, thread: str | None) -> Place:
        place: Place = await self._commits.submit(self._places, (account, chat, thread))
        return place

    async def reference(self, ref: str) -> Reference | None:
        found: Reference | None = await self._commits.submit(self._references.find, ref)
        return found

    async def amend(self, ref: str, content: str | None) -> None:
        await self._commits.submit(self._references.amend, (ref, content))

    async def ask(self, request: Request) -> bool:
        if not self._run:
            return await super().ask(request)
        is_new: bool = await self._commits.submit(self._ask, request)
        return is_new

    async def answer(self, versions: Iterator[int]) -> Sequence[Answer]:
        if not await self._read(requests.ANY, self._wanted()):
            return ()
        answered: Sequence[Answer] = await self._commits.submit(self._requests.answer, versions)
        return answered

    async def take_up(self, number: int, event: Event) -> Ingested | None:
        done: Ingested | None = await self._commits.submit(self._sends.take_up, (number, event))
        return done

    async def give_up(self, number: int, event: Event, dead: DeadLetter) -> None:
        await self._commits.submit(self._sends.give_up, (number, event, dead))

    def _places(self, wanted: Sequence[tuple[int, Chat, str | None]]) -> list[Place]:
        return [self._inbox.directory.conversation(*where) for where in wanted]

    def _ask(self, asked: Sequence[Request]) -> list[bool]:
        now = self._clock()
        return [requests.ask(self._writer, request, now) for request in asked]

    def _wanted(self) -> tuple[str, str]:
        return self._claims.accounts, self._bot
