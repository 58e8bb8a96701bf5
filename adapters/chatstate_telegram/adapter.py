"""Telegram as a platform: `TelegramAdapter`.

1. Updates come by polls, or by a webhook; either way one intake, of one worker, makes them durable
   in order. Calls are any worker's, and what an account may send is divided among them.
2. A token that is refused for good ends `run` with one line; whatever else fails is tried again.
3. Calls that show something wait for their turn in `Pace`. Previews and typing give way.
4. What answers a press answers its waiting sign, too; what answers a query is its answer.
5. A preview in a private chat is a draft, where the Bot API server knows drafts.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import TYPE_CHECKING, Any

from telegram import Bot

from chatstate import AdapterError, Attachment, Event, Rejected
from chatstate.adapter import (
    Action,
    Adapter,
    Capabilities,
    Finding,
    Host,
    NativeCall,
    Part,
    Post,
    Receipt,
    Sent,
    options_from,
)
from chatstate_telegram import menu
from chatstate_telegram.client import Client
from chatstate_telegram.examining import findings
from chatstate_telegram.options import (
    LOCAL_BYTES,
    RECEIVED_BYTES,
    SENT_BYTES,
    TelegramOptions,
)
from chatstate_telegram.receive.downloads import download
from chatstate_telegram.receive.intake import Intake
from chatstate_telegram.receive.others import query_of
from chatstate_telegram.receive.polling import Polling
from chatstate_telegram.receive.trouble import Trouble
from chatstate_telegram.receive.wire import Me
from chatstate_telegram.send import calls, native, parts, queries
from chatstate_telegram.send.acknowledging import TEXT_LIMIT, Presses
from chatstate_telegram.send.drafts import LASTS, Drafts
from chatstate_telegram.send.errors import DoneBefore, judged
from chatstate_telegram.send.pace import Pace
from chatstate_telegram.send.queries import InlineAnswers
from chatstate_telegram.send.rich_calls import RichMessages
from chatstate_telegram.updates import UPDATES, asked_for

if TYPE_CHECKING:
    from chatstate.adapter.http import Listener
    from chatstate_telegram.receive.webhook import Registration, Webhook

log = logging.getLogger("chatstate.telegram")

TOKEN = "CHATSTATE_TELEGRAM_TOKEN"  # noqa: S105 - the name of the setting
_NO_ANSWERS = {"suggestions", "picture"}  # which the answer to a press cannot show
_TOKEN = re.compile(r"\d+:[\w-]+", re.ASCII)


class TelegramAdapter(Adapter):
    """A bot account on Telegram.

    `options`, or options by name, are those of `TelegramOptions`; without `options` the environment
    says what is not named. With `listen=None` nothing listens, because `app` is mounted elsewhere.
    `pace` is how fast the bot writes.

    Raises `AdapterError` for a missing or malformed token, and for other options that cannot be.
    """

    Options = TelegramOptions
    name = "telegram"
    on_each_worker = True
    updates = UPDATES

    def __init__(
        self, options: TelegramOptions | None = None, *, pace: Pace | None = None, **named: Any
    ) -> None:
        self.options = options_from(TelegramOptions, options, named, adapter=self.name)
        self.capabilities = _capabilities(self.options)
        self._token = _checked(self.options.token)
        self.account = self._token.partition(":")[0]
        self._client = Client(self._token, self.options.api)
        self._pace = pace or Pace()
        self._presses = Presses(self._client.bot, self.options.patience)
        self._drafts = Drafts(self._client)
        self._rich = RichMessages(self._client, wanted=self.options.rich)
        self._inline = InlineAnswers(self._client.bot, self.perform)

    @cached_property
    def app(self) -> Webhook:
        """What answers Telegram's posts, as an ASGI app: mount it where `webhook` leads."""
        from chatstate_telegram.receive.webhook import Webhook, secret_of

        return Webhook(secret_of(self._token))

    @property
    def client(self) -> Bot:
        """python-telegram-bot's `Bot`; a refusal raises `Refusal` there, with what was said."""
        return self._client.bot

    def attach(self, host: Host) -> None:
        """Take the host: other workers that it knows of share what the account may send."""
        self._pace.peers, self._pace.assure = lambda: host.peers, host.assure
        self._client.time_there = host.time_there

    async def run(self, host: Host) -> None:
        """Receive until cancelled. Raises `AdapterError` if the token is refused for good."""
        server = self._server()
        await self._client.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._receive(host, tasks, server)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            if self.options.webhook is not None:
                self.app.close()
            if server:
                server.close()
            self._pace.close()
            await self._presses.close()
            await self._inline.close()
            await self._client.close()

    def render(self, post: Post) -> Sequence[Part]:
        """Return the messages that show a post."""
        return parts.render(post)

    def native(self, call: NativeCall) -> Part:
        """Return the part that calls a method of the Bot API by its name."""
        return native.part_of(call)

    async def perform(self, action: Action) -> Sent:
        """Make one call, when it is its turn."""
        try:
            query = query_of(action.origin)
            answer = await queries.perform(self._client.bot, action, query) if query else None
            return answer or await self._perform(action)
        except Exception as error:  # `judged` tells what it is
            what = await judged(error, self._client)
            if isinstance(what, DoneBefore):
                return Sent(action.message)
            if what is error:
                raise
            raise what from error

    def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Return the bytes of a received file, if it is not too large."""
        limit = self.capabilities.received_bytes
        return download(self._client, attachment, limit, local=self.options.local)

    async def is_admin(self, chat: str, user: str) -> bool:
        """Tell whether somebody is an admin.

        So is who speaks as the chat itself: a channel in its posts, a group's anonymous admin.
        """
        if user.partition("/")[0] == chat:
            return True
        try:
            return user.isdecimal() and await calls.is_admin(self._client.bot, chat, int(user))
        except Exception as error:  # `judged` tells what it is
            raise await judged(error, self._client) from error

    async def examine(self, kinds: AbstractSet[str]) -> Sequence[Finding]:  # noqa: ARG002 - Telegram is asked to tell of them when the bot runs
        """Return what Telegram says of the token, of groups and the webhook, and of the time."""
        await self._client.open()
        try:
            return [found async for found in findings(self._client, self.options)]
        finally:
            await self._client.close()

    async def private_chat(self, user: str) -> str:
        """Return the chat with somebody, which has the person's own id.

        Whoever has not begun it yet cannot be written to: then the send is refused.
        """
        if not user.isdecimal():
            raise Rejected(f"{user!r} is no person's id on Telegram")
        return user

    async def _receive(self, host: Host, tasks: asyncio.TaskGroup, server: Listener | None) -> None:
        trouble = Trouble(host.lost)
        raw = await trouble.until_done(self._client.bot.get_me)
        me = Me(raw.id, raw.username or "", self.options.groups)
        trouble.found = lambda: host.connected(f"@{me.username}")
        trouble.found()
        if self.options.webhook is not None:
            self.app.give(host)
        if server:
            tasks.create_task(server.run())
        await host.lead()
        intake = Intake(host, me, self._delivered, self._inline.begin, self._stopped)
        tasks.create_task(intake.run())
        tasks.create_task(menu.publish(self._client.bot, host))
        if self.options.webhook is None:
            polling = Polling(
                self._client,
                intake.take,
                trouble=trouble,
                kinds=asked_for(host.updates, host.kinds),
                offset=intake.offset,
                seconds=self.options.poll_seconds,
            )
            tasks.create_task(polling.run())
        else:
            self.app.open(intake.take, self._pace.peers)
            tasks.create_task(self.app.take_passed(host))
            tasks.create_task(self._registration(self.options.webhook, host, trouble).run())

    def _registration(self, url: str, host: Host, trouble: Trouble) -> Registration:
        from chatstate_telegram.receive.webhook import Registration, secret_of

        secret, kinds = secret_of(self._token), asked_for(host.updates, host.kinds)
        return Registration(self._client, url, secret, self.options, trouble=trouble, kinds=kinds)

    def _server(self) -> Listener | None:
        """Return what listens, bound already, so that an address in use is told at once."""
        if self.options.webhook is None or self.options.listen is None:
            return None
        from chatstate_telegram.receive.webhook import listener

        return listener(self.app, self.options.webhook, self.options.listen)

    def _delivered(self, event: Event, receipt: Receipt) -> None:
        self._pace.heard(event.message.chat.id)
        if event.origin is not None and query_of(event.origin) is None:
            self._presses.watch(event.origin, receipt)

    def _stopped(self, host: Host, told: dict[str, Any]) -> None:
        """End the answer whose draft somebody has stopped."""
        chat, thread = str(told["chat"]["id"]), told.get("message_thread_id")
        if self._drafts.is_shown(chat, thread, told["draft_id"]):
            host.interrupt(chat, None if thread is None else str(thread))

    async def _perform(self, action: Action) -> Sent:
        bot = self._client.bot
        if action.verb == "typing":
            if not self._pace.is_busy:
                await calls.typing(bot, action)
            return Sent()
        if action.verb == "finish":
            await self._presses.answer(str(action.origin))
            return Sent()
        if action.verb == "native":
            if query_of(action.origin) is None:
                await self._pace.turn(action.chat)
            return await native.make(self._client, action)
        if await self._is_shown_as_answer(action):
            return Sent(f"answer {action.origin}")
        if action.verb == "delete":
            await calls.delete(bot, action)
        elif action.verb == "reaction":
            await calls.react(bot, action)
        else:
            return Sent(await self._show(action))
        await self._presses.acknowledge(action.origin)
        return Sent(action.message)

    async def _show(self, action: Action) -> str | None:
        """Send or edit, and answer the press that this answers meanwhile; a draft has no id."""
        is_draft = self._drafts.may_show(action)
        if action.preview:
            self._pace.preview(action.chat, is_draft=is_draft)
        else:
            await self._pace.turn(action.chat)
            await self._drafts.over(action)
        answering = asyncio.create_task(self._presses.acknowledge(action.origin))
        try:
            if is_draft and await self._drafts.show(action):
                return None
            show = calls.send if action.verb == "send" else calls.edit
            return await self._rich.show(action) or await show(self._client.bot, action)
        finally:
            await answering

    async def _is_shown_as_answer(self, action: Action) -> bool:
        """Show an ephemeral text as the answer to a press, if it is one and there is room."""
        content = action.part.content
        text = str(content.get("text", ""))
        has_more = action.part.files or action.part.has_buttons or content.keys() & _NO_ANSWERS
        is_fit = action.verb == "send" and not has_more
        if not (content.get("ephemeral") and is_fit and 0 < len(text) <= TEXT_LIMIT):
            return False
        if action.origin is None or not self._presses.is_open(action.origin):
            return False
        return await self._presses.answer(action.origin, text)


def _capabilities(options: TelegramOptions) -> Capabilities:
    is_local = options.local is not None
    return Capabilities(
        text_limit=parts.TEXT_LIMIT,
        text_unit="utf16",
        markup=True,
        buttons=True,
        button_bytes=64,
        row_width=parts.ROW_WIDTH,
        max_rows=parts.MAX_ROWS,
        link_buttons=True,
        button_styles=True,
        edit_buttons=True,
        suggestions=True,
        shares=True,
        cards=True,
        locations=True,
        contacts=True,
        polls=True,
        stickers=True,
        files=True,
        file_ids=True,
        file_urls=True,
        file_bytes=options.file_bytes or (LOCAL_BYTES if is_local else SENT_BYTES),
        received_bytes=options.received_bytes or (LOCAL_BYTES if is_local else RECEIVED_BYTES),
        edit=True,
        edit_pause=1.0,
        preview_lasts=LASTS,
        reactions=True,
        reaction_emoji=parts.REACTIONS,
        typing=5.0,
        threads=True,
        reply_to=True,
        silent=True,
        ephemeral=True,
        finish=True,
        native=True,
        pings=True,
    )


def _checked(token: str) -> str:
    if not token:
        raise AdapterError(f"Telegram needs a token: get one from @BotFather and set {TOKEN} to it")
    if not _TOKEN.fullmatch(token):
        raise AdapterError(
            f"what {TOKEN} holds is no token of Telegram's, which are like 123456:ABC-def; "
            "copy the whole of what @BotFather gives"
        )
    return token
