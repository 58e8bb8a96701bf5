"""Drives `FakePlatform` for the contract of adapters: it can do everything, or nothing."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec.structs import replace

from chatstate import (
    Attachment,
    Blocked,
    Chat,
    Contact,
    Event,
    Message,
    MessageRef,
    Moved,
    Reaction,
    Rejected,
    RetryAfter,
    Sticker,
    Unreachable,
    User,
)
from chatstate.adapter import (
    Action,
    Adapter,
    Capabilities,
    Host,
    Part,
    Post,
    PostForm,
    Sent,
    Updates,
)
from chatstate.markup import joined, pages, written
from chatstate.messages import MessageKind
from chatstate.testing import AdapterDriver, Delivered, FakePlatform, Fault, Shown, Speaker
from chatstate.testing.delivered import SentFile
from chatstate.text import Span, StyledText, size

NAMED = re.compile(r"(?<!\S)@(?!bot\b)(\w+)")
NAMED_BOT = re.compile(r"(?<!\S)@bot\b")


class Reachable(FakePlatform):
    """A fake platform that keeps what is said until it is taken, and can be cut off."""

    updates = Updates(frozenset({"vote"}))

    def __init__(
        self, capabilities: Capabilities, idempotent_for: float = 0.0, *, finds: bool = False
    ) -> None:
        super().__init__(capabilities=capabilities, idempotent_for=idempotent_for, finds=finds)
        self.inbox: list[Event | tuple[str, str] | None] = []
        self.moved: dict[str, str] = {}
        self.forms: dict[str, tuple[Event, PostForm]] = {}
        self.news = asyncio.Event()
        self.withheld = 0
        self.up = asyncio.Event()
        self.up.set()

    def put(self, news: Event | tuple[str, str] | None) -> None:
        self.inbox.append(news)
        self.news.set()

    async def run(self, host: Host) -> None:
        self.host = host
        host.connected(self.account)
        while True:
            await self.news.wait()
            await self.up.wait()
            for news in self.inbox.copy():
                if isinstance(news, Event) and await self.shows_form(news):
                    pass
                elif isinstance(news, Event):
                    await host.deliver([news] if self.is_others(news) else [])
                elif news:
                    await host.moved(*news)
                else:
                    self.puzzle()
                self.inbox.remove(news)
            if not self.inbox:
                self.news.clear()

    async def shows_form(self, event: Event) -> bool:
        """Show whoever begins a form all of it, if that can be; tell whether it is."""
        message = event.message
        is_new = message.answers is None and self.is_others(event)
        begins = is_new and (message.kind == "press" or message.text.startswith("/"))
        asked = self.host.form(event) if begins and self.capabilities.modals else None
        form = await asked if asked else None
        if form:
            self.forms[message.sender.id] = (event, form)
        return form is not None

    async def offer(self, event: Event) -> Sequence[str]:
        """Return what may be typed, as whoever types is shown it."""
        return await self.host.complete(event) or ()

    def is_others(self, event: Event) -> bool:
        """Tell whether an event is of another account than the platform's own."""
        return event.message.sender.id != self.account

    def puzzle(self) -> None:
        """Do what is done with something that nobody can read: nothing."""

    def render(self, post: Post) -> Sequence[Part]:
        posts = pages(post, self.capabilities.text_limit, self._measure)
        return [part for piece in posts for part in super(Reachable, self).render(piece)]

    async def perform(self, action: Action) -> Sent:
        if not self.up.is_set():
            raise Unreachable("nobody is there")
        if action.chat in self.moved:
            raise Moved(self.moved[action.chat])
        text = action.part.content.get("text", {}).get("text", "")
        if 0 < self.capabilities.text_limit < size(text, self.capabilities.text_unit):
            raise Rejected("the text is too long")
        sent = await super().perform(action)
        if action.verb == "reaction":
            self.put(self._echo(action))
        return sent

    def _echo(self, action: Action) -> Event:
        """Return what the platform tells of the account's own reaction."""
        changed = Reaction(("👍",), (), MessageRef(str(action.message)))
        me, where = User(self.account, is_bot=False), Chat(action.chat)
        message = Message("", me, where, "reaction", action.thread, reaction=changed)
        return Event(f"own-{action.key}", message)

    async def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        if self.withheld:
            self.withheld -= 1
            raise Unreachable("it cannot be had now")
        async for piece in super().open(attachment):
            yield piece

    def _measure(self, text: StyledText) -> int:
        return size(text.text, self.capabilities.text_unit)


class FakeDriver(AdapterDriver):
    """The people on a fake platform."""

    named = "test:vote"

    def __init__(self, platform: Reachable) -> None:
        self.platform = platform
        self.said: dict[str, Event] = {}
        self.pressed: dict[str, str] = {}
        self.reacted: dict[Speaker, str] = {}
        self.numbers = itertools.count(1)

    def make_adapter(self) -> Adapter:
        return self.platform

    async def say(
        self,
        who: Speaker,
        text: str,
        *,
        files: Sequence[SentFile] = (),
        reply_to: str | None = None,
    ) -> str:
        answered = [said for said in self.platform.delivered if said.id == reply_to]
        message = replace(
            self.message(who, text),
            attachments=tuple(self.platform.upload(f.name, f.data, f.media_type) for f in files),
            reply_to=MessageRef(reply_to) if reply_to else None,
            quote=answered[0].text if answered else None,
        )
        event = Event(f"event-{message.id}", message)
        self.platform.put(event)
        self.said[str(message.id)] = event
        return str(message.id)

    def shown(self, who: Speaker) -> Sequence[Shown]:
        there = self.platform.shown(chat_of(who).id)
        return [
            shown(message, self.platform.files)
            for message in there
            if message.thread == who.thread and self.is_for(who, message)
        ]

    def is_for(self, who: Speaker, message: Delivered) -> bool:
        """Tell whether somebody may see a message: one that answers a press may be for one."""
        return not message.ephemeral or self.pressed.get(str(message.event)) in (None, who.user)

    def mention(self, who: Speaker | None) -> str:
        return f"@{who.user if who else self.platform.account}"

    async def say_formatted(self, who: Speaker) -> str:
        spans = (Span("bold", 0, 4), Span("spoiler", 5, 11), Span("underline", 12, 17))
        said = self.message(who, "bold hidden under")
        said = replace(said, styled=StyledText(said.text, spans))
        self.platform.put(Event(f"event-{said.id}", said))
        return str(said.id)

    async def edit(self, who: Speaker, message: str, text: str) -> None:
        edited = replace(self.message(who, text, "edit"), id=message)
        self.platform.put(Event(f"edit-{next(self.numbers)}", edited))

    async def other(self, who: Speaker) -> None:
        message = replace(
            self.message(who, "", "other"), raw={"hologram": {"depth": 3}}, update="test:hologram"
        )
        self.platform.put(Event(f"event-{message.id}", message))

    async def react(self, who: Speaker, message: str, emoji: str) -> None:
        before = self.reacted.pop(who, "")
        self.reacted[who] = emoji
        added, removed = (emoji,) if emoji else (), (before,) if before else ()
        changed = Reaction(added, removed, MessageRef(message))
        said = replace(self.message(who, "", "reaction"), id=message, reaction=changed)
        self.platform.put(Event(f"reaction-{next(self.numbers)}", said))

    async def send_sticker(self, who: Speaker) -> str:
        sticker = Sticker("100", "👍", "wave")
        said = replace(self.message(who, sticker.words), sticker=sticker)
        self.platform.put(Event(f"event-{said.id}", said))
        return sticker.id

    async def happen(self, who: Speaker) -> None:
        message = replace(self.message(who, "", "other"), raw={"option": 1}, update=self.named)
        self.platform.put(Event(f"event-{message.id}", message))

    async def press(self, who: Speaker, message: str, label: str) -> None:
        (there,) = (m for m in self.platform.shown(chat_of(who).id) if (m.edits or m.id) == message)
        (data,) = (b.data for row in there.buttons for b in row if b.label == label)
        await self.forge(who, message, data)

    async def select(self, who: Speaker, message: str, labels: Sequence[str]) -> None:
        (there,) = (m for m in self.platform.shown(chat_of(who).id) if m.id == message)
        assert there.select
        data = {option.label: option.data for option in there.select.options}
        chosen = tuple(data[label] for label in labels)
        await self.forge(who, message, there.select.data, chosen)

    async def tap(self, who: Speaker, message: str, label: str) -> None:
        (there,) = (m for m in self.platform.shown(chat_of(who).id) if m.id == message)
        (tapped,) = (given for given in there.suggestions if given.label == label)
        if tapped.share:
            contact = Contact("+49 30 1234", who.user)
            said = replace(self.message(who, contact.words), contact=contact)
            self.platform.put(Event(f"event-{said.id}", said))
        else:
            await self.say(who, label)

    def form(self, who: Speaker) -> Mapping[str, str] | None:
        _, form = self.platform.forms.get(who.user, (None, None))
        return {field.label: field.answer for field in form.fields} if form else None

    async def submit(self, who: Speaker, answers: Mapping[str, str]) -> None:
        filled = {**(self.form(who) or {}), **answers}
        event, _ = self.platform.forms.pop(who.user)
        message = replace(event.message, answers=filled)
        self.platform.put(Event(f"form-{next(self.numbers)}", message))

    async def complete(
        self, who: Speaker, name: str, arguments: Mapping[str, str]
    ) -> Sequence[str]:
        asked = replace(self.message(who, f"/{name}", "complete"), arguments=dict(arguments))
        return await self.platform.offer(Event(f"typing-{asked.id}", asked))

    async def remove(self, who: Speaker, message: str) -> None:  # noqa: ARG002 - ids are unique
        self.platform.deleted.append(message)

    async def forge(
        self, who: Speaker, message: str, data: str, selected: tuple[str, ...] | None = None
    ) -> None:
        press = replace(
            self.message(who, data, "press"), pressed=MessageRef(message), selected=selected
        )
        origin = f"press-{next(self.numbers)}"
        self.pressed[origin] = who.user
        self.platform.put(Event(origin, press, origin))

    def reactions(self, who: Speaker, message: str) -> Sequence[str]:  # noqa: ARG002 - ids are unique
        found = self.platform.reactions.get(message)
        return [found] if found else []

    def publish(self, address: str, data: bytes) -> None:
        self.platform.files[address] = data

    def typing(self, who: Speaker) -> int:
        return self.platform.typing.count(chat_of(who).id)

    def waiting(self) -> int:
        ended = {*self.platform.finished, *(reply.event for reply in self.platform.delivered)}
        return len(self.pressed.keys() - ended)

    async def redeliver(self, message: str) -> None:
        self.platform.put(self.said[message])

    def account_name(self) -> str:
        return self.platform.account

    async def garble(self, who: Speaker) -> None:  # noqa: ARG002 - the same in every chat
        self.platform.put(None)

    async def echo(self, who: Speaker, text: str) -> None:
        message = replace(self.message(who, text), sender=User(self.platform.account, is_bot=True))
        self.platform.put(Event(f"event-{message.id}", message))

    def is_acknowledged(self, message: str) -> bool:
        return self.said[message] not in self.platform.inbox

    def fail(self, fault: Fault, seconds: float = 0.0) -> None:
        if fault == "lose":
            self.platform.lose_next()
        elif fault == "wait":
            self.platform.fail_next(RetryAfter(seconds))
        else:
            self.platform.fail_next(Blocked("no") if fault == "block" else Rejected("not allowed"))

    def withhold(self) -> None:
        self.platform.withheld = 2

    async def disconnect(self) -> None:
        self.platform.up.clear()

    async def reconnect(self) -> None:
        self.platform.up.set()

    async def move(self, who: Speaker, chat: str, *, told: bool) -> None:
        if told:
            self.platform.put((chat_of(who).id, chat))
        else:
            self.platform.moved[chat_of(who).id] = chat

    async def promote(self, who: Speaker) -> None:
        self.platform.admins.setdefault(chat_of(who).id, set()).add(who.user)

    def message(self, who: Speaker, text: str, kind: MessageKind = "message") -> Message:
        number = str(next(self.numbers))
        sender = User(who.user, is_bot=who.is_bot)
        named = NAMED.findall(text)
        text = " ".join(NAMED_BOT.sub(" ", text).split()) if NAMED_BOT.search(text) else text
        people = tuple(map(User, named))
        return Message(text, sender, chat_of(who), kind, who.thread, number, mentions=people)


def chat_of(who: Speaker) -> Chat:
    return Chat(who.chat, "group") if who.chat else Chat(f"private-{who.user}")


def shown(message: Delivered, there: Mapping[str, bytes]) -> Shown:
    """Return a message, its files with what is `there`, by their ids and addresses."""
    card = message.card
    styled = joined([message.styled, *([written(card, shows_image=False)] if card else ())], "\n")
    return Shown(
        message.edits or message.id,
        styled.text,
        {span.kind for span in styled.spans},
        message.labels,
        [replace(f, data=there.get(f.id or f.url, f.data)) for f in message.files],
        message.reply_to,
        message.edits is not None,
        [button.url for row in message.buttons for button in row if button.url],
        [option.label for option in message.select.options] if message.select else (),
        [suggestion.label for suggestion in message.suggestions],
        [card.image] if card and card.image else (),
        message.shared,
    )
