"""Adapters that break one rule each, for the test that the contract of adapters finds them."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, cast

from contracts.drivers.fake import Reachable
from msgspec.structs import replace

from chatstate import (
    Ambiguous,
    Attachment,
    Event,
    Gone,
    Moved,
    Rejected,
    RetryAfter,
    SendError,
    StorageError,
    Unreachable,
)
from chatstate.adapter import (
    Absent,
    Action,
    Capabilities,
    Finding,
    Found,
    Host,
    Part,
    Post,
    Sent,
)
from chatstate.markup import parse
from chatstate.text import StyledText


class Broken(Reachable):
    """An adapter whose subclasses break one rule, in what they receive or render."""

    def heard(self, event: Event) -> Event:
        return event

    async def run(self, host: Host) -> None:
        await super().run(cast("Host", Changing(host, self.heard)))


class Changing:
    def __init__(self, host: Host, change: Any) -> None:
        self.host, self.change = host, change

    def connected(self, name: str) -> None:
        self.host.connected(name)

    async def moved(self, old: str, new: str) -> None:
        await self.host.moved(old, new)

    def form(self, event: Event) -> Any:
        return self.host.form(event)

    async def deliver(self, events: Sequence[Event], cursor: str | None = None) -> Any:
        return await self.host.deliver([self.change(event) for event in events], cursor)


def message(event: Event, **changes: Any) -> Event:
    return replace(event, message=replace(event.message, **changes))


# What is received


class Deaf(Broken):
    async def run(self, host: Host) -> None:  # noqa: ARG002 - it does not listen
        await asyncio.get_running_loop().create_future()


class SaysNotWho(Broken):
    async def run(self, host: Host) -> None:
        await Reachable.run(self, cast("Host", Unheard(host, self.heard)))


class Unheard(Changing):
    def connected(self, name: str) -> None:
        pass


class OffersNothing(Reachable):
    async def offer(self, event: Event) -> Sequence[str]:  # noqa: ARG002 - it asks nobody
        return ()


class AsksOneByOne(Reachable):
    async def shows_form(self, event: Event) -> bool:  # noqa: ARG002 - it asks nobody
        return False


class DeliversWhatBegins(Reachable):
    async def shows_form(self, event: Event) -> bool:
        await super().shows_form(event)
        return False


class ShowsFormsBlank(Reachable):
    async def shows_form(self, event: Event) -> bool:
        is_shown = await super().shows_form(event)
        for who, (began, form) in self.forms.items():
            blank = [replace(field, answer="") for field in form.fields]
            self.forms[who] = began, replace(form, fields=blank)
        return is_shown


class ForgetsWhatIsSubmitted(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, answers=None)


class TakesFirstWords(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, text=event.message.text.partition(" ")[0])


class Normalises(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, text=unicodedata.normalize("NFC", event.message.text))


class Strips(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, text=event.message.text.strip("`>#-1. "))


class TakesAllForOne(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, sender=replace(event.message.sender, id="somebody"))


class TakesGroupsForPrivate(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, chat=replace(event.message.chat, kind="private"))


class ForgetsThreads(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, thread=None)


class TakesEditsForMessages(Broken):
    def heard(self, event: Event) -> Event:
        kind = event.message.kind
        return message(event, kind="message" if kind == "edit" else kind)


class ForgetsWhatIsAnswered(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, reply_to=None)


class ForgetsWhatIsQuoted(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, quote=None)


class ForgetsWhereAButtonHangs(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, pressed=None)


class ForgetsWhatIsChosen(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, selected=None)


class ForgetsWhoIsNamed(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, mentions=())


class LeavesItsName(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, text=f"@bot {event.message.text}")


class TakesBotsForPeople(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, sender=replace(event.message.sender, is_bot=False))


class HearsItself(Broken):
    def is_others(self, event: Event) -> bool:  # noqa: ARG002 - what is wrong
        return True


class TakesReactionsForEdits(Broken):
    def heard(self, event: Event) -> Event:
        kind = event.message.kind
        return message(event, kind="edit" if kind == "reaction" else kind)


class SwapsReactions(Broken):
    def heard(self, event: Event) -> Event:
        told = event.message.reaction
        swapped = told and replace(told, added=told.removed, removed=told.added)
        return message(event, reaction=swapped)


class KnowsOnlyWords(Broken):
    def is_others(self, event: Event) -> bool:
        return event.message.kind != "other"


class AsksForNothing(Broken):
    def is_others(self, event: Event) -> bool:
        return event.message.update != "test:vote"


class TakesPressesForMessages(Broken):
    def heard(self, event: Event) -> Event:
        kind = event.message.kind
        return message(event, kind="message" if kind == "press" else kind)


class NumbersAnew(Broken):
    count = 0

    def heard(self, event: Event) -> Event:
        self.count += 1
        return replace(event, id=str(self.count))


class Hurries(Broken):
    async def run(self, host: Host) -> None:
        while True:
            await self.news.wait()
            news, self.inbox = self.inbox, []
            self.news.clear()
            await host.deliver([update for update in news if isinstance(update, Event)])


class Chokes(Broken):
    def puzzle(self) -> None:
        raise ValueError("what is that?")


class Swallows(Broken):
    async def run(self, host: Host) -> None:
        while True:
            try:
                await super().run(host)
            except StorageError:
                self.inbox.clear()


class Reverses(Broken):
    async def run(self, host: Host) -> None:
        while True:
            await self.news.wait()
            await asyncio.sleep(0.05)
            self.inbox.reverse()
            await host.deliver([update for update in self.inbox if isinstance(update, Event)])
            self.inbox.clear()
            self.news.clear()


class GivesOthersFiles(Broken):
    async def open(self, attachment: Attachment) -> AsyncIterator[bytes]:  # noqa: ARG002 - it guesses
        yield b"something"


class GivesFilesOnce(Broken):
    gone: frozenset[str] = frozenset()

    async def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        if attachment.ref in self.gone:
            raise Rejected("it was fetched before")
        self.gone |= {attachment.ref}
        async for piece in super().open(attachment):
            yield piece


class TakesLaterForNever(Broken):
    async def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        try:
            async for piece in super().open(attachment):
                yield piece
        except Unreachable as error:
            raise Rejected("it is gone") from error


class NeverEnds(Broken):
    async def run(self, host: Host) -> None:
        try:
            await super().run(host)
        except asyncio.CancelledError:
            await asyncio.sleep(1.5)


class LeavesATask(Broken):
    async def run(self, host: Host) -> None:
        self.task = asyncio.create_task(asyncio.sleep(1.5))
        await super().run(host)


class HasNaiveTimes(Broken):
    def heard(self, event: Event) -> Event:
        return message(event, time=datetime(2026, 1, 1))  # noqa: DTZ001 - what is wrong


# What is sent


class Shouts(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, text=parse(post.text.text)))


class Truncates(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(post)[:1]


class CountsWrong(Broken):
    def _measure(self, text: StyledText) -> int:
        return len(text.text)


class CutsAnywhere(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        limit = self.capabilities.text_limit // 2 - 1
        text = post.text.text
        pages = [text[at : at + limit] for at in range(0, len(text), limit)] or [""]
        return [part for page in pages for part in super(Broken, self).render(plain(post, page))]


class ForgetsMarkup(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, text=StyledText(post.text.text)))


class TakesBackslashesForEscapes(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, text=StyledText(post.text.text.replace("\\", ""))))


class Counts(Broken):
    count = 0

    def render(self, post: Post) -> Sequence[Part]:
        self.count += 1
        return [
            replace(part, content={**part.content, "n": self.count})
            for part in super().render(post)
        ]


class ForgetsFiles(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, files=()))


class ForgetsButtons(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, buttons=()))


class ForgetsLinks(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        rows = [[replace(button, url="") for button in row] for row in post.buttons]
        return super().render(replace(post, buttons=rows))


class ForgetsSuggestions(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, suggestions=()))


class ForgetsCards(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, card=None))


class ForgetsSmallPrint(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        card = post.card and replace(post.card, footer="")
        return super().render(replace(post, card=card))


class ForgetsPictures(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        card = post.card and replace(post.card, image="", picture=None)
        return super().render(replace(post, card=card))


class MarksNothing(Broken):
    def __init__(self, capabilities: Capabilities) -> None:
        super().__init__(replace(capabilities, select=False))

    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, keeps=False))


class ShowsFewButtons(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, buttons=post.buttons[:2]))


class ShortensWhatButtonsSend(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        rows = [[replace(button, data=button.data[:24]) for button in row] for row in post.buttons]
        return super().render(replace(post, buttons=rows))


class Performs(Broken):
    """Breaks a rule in `perform`."""

    def change(self, action: Action) -> Action:
        return action

    def error(self, error: SendError) -> SendError:
        return error

    async def perform(self, action: Action) -> Sent:
        try:
            return await super().perform(self.change(action))
        except SendError as error:
            raise self.error(error) from error


class GivesNoIds(Performs):
    async def perform(self, action: Action) -> Sent:
        await super().perform(action)
        return Sent()


class ForgetsWhatItShowed(Performs):
    def change(self, action: Action) -> Action:
        return replace(action, continues=False)


class SendsEditsAnew(Performs):
    def change(self, action: Action) -> Action:
        return replace(action, verb="send") if action.verb == "edit" else action


class ReactsToNothing(Performs):
    def change(self, action: Action) -> Action:
        return replace(action, message="none") if action.verb == "reaction" else action


class MissesWhatIsGone(Performs):
    async def perform(self, action: Action) -> Sent:
        if action.verb == "reaction" and action.message in self.deleted:
            raise Rejected("there is no such message")
        return await super().perform(action)


class DeletesNothing(Performs):
    def change(self, action: Action) -> Action:
        return replace(action, message="none") if action.verb == "delete" else action


class FinishesNothing(Performs):
    def change(self, action: Action) -> Action:
        return replace(action, origin="none") if action.verb == "finish" else action


class SendsToTheGroup(Performs):
    def change(self, action: Action) -> Action:
        return replace(action, thread=None)


class ShowsAllToAll(Broken):
    def render(self, post: Post) -> Sequence[Part]:
        return super().render(replace(post, ephemeral=False))


class TypesElsewhere(Performs):
    def change(self, action: Action) -> Action:
        return replace(action, chat="private-bob") if action.verb == "typing" else action


class DoesNotWait(Performs):
    def error(self, error: SendError) -> SendError:
        return Unreachable("busy") if isinstance(error, RetryAfter) else error


class TakesNoForMaybe(Performs):
    def error(self, error: SendError) -> SendError:
        return Ambiguous("no") if isinstance(error, Rejected) else error


class TakesMaybeForNo(Performs):
    def error(self, error: SendError) -> SendError:
        return Unreachable("lost") if isinstance(error, Ambiguous) else error


class EditsWhatIsGone(Performs):
    async def perform(self, action: Action) -> Sent:
        if action.verb == "edit" and action.message in self.deleted:
            return Sent(action.message)
        return await super().perform(action)


class RefusesWhatIsGone(Performs):
    def error(self, error: SendError) -> SendError:
        return Rejected(str(error)) if isinstance(error, Gone) else error


class AnswersAlone(Performs):
    where = ""

    def heard(self, event: Event) -> Event:
        self.where = event.message.chat.id
        return event

    async def perform(self, action: Action) -> Sent:
        return await super().perform(action) if action.chat == self.where else Sent("lost")


class GivesUp(Performs):
    def error(self, error: SendError) -> SendError:
        return Ambiguous("down") if isinstance(error, Unreachable) else error


class FindsNothing(Broken):
    async def find(self, action: Action) -> Found:  # noqa: ARG002 - it does not look
        return Absent()


class FindsAll(Broken):
    async def find(self, action: Action) -> Found:  # noqa: ARG002 - it does not look
        return Sent(self.delivered[0].id)


class FindsNobodyKnowsWhat(Broken):
    async def find(self, action: Action) -> Any:  # noqa: ARG002 - it does not look
        return None


class WhispersToItself(Broken):
    async def private_chat(self, user: str) -> str:
        return f"private-not-{user}"


class KnowsNoAdmins(Broken):
    async def is_admin(self, chat: str, user: str) -> bool:  # noqa: ARG002 - it does not ask
        return True


class MissesMoves(Broken):
    async def run(self, host: Host) -> None:
        await super().run(cast("Host", Unmoved(host, self.heard)))


class Unmoved(Changing):
    async def moved(self, old: str, new: str) -> None:
        pass


class MovesNowhere(Performs):
    def error(self, error: SendError) -> SendError:
        return Rejected("gone") if isinstance(error, Moved) else error


def plain(post: Post, text: str) -> Post:
    return Post(StyledText(text), post.buttons, post.files)


# What is found out of an account


class IsAlarmed(Reachable):
    async def examine(self, kinds: AbstractSet[str]) -> Sequence[Finding]:  # noqa: ARG002 - the contract's
        return [Finding("failed", "token", "is that of nobody", "get another one")]


class IsHelpless(Reachable):
    async def examine(self, kinds: AbstractSet[str]) -> Sequence[Finding]:  # noqa: ARG002 - the contract's
        return [Finding("warning", "clock", "is slow")]
