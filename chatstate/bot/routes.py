"""Which of a bot's handlers an event goes to, and on what terms it runs. No I/O.

1. A command's name may have several words, of which all but the last are groups: no command is
   called as a group is.
2. What the framework itself answers gives way to what the author does.
3. A command that a group's message names may be meant for another bot: it is ignored if unknown.
4. What a platform tells of by a name of its own goes to the handler of its kind, if it has one of
   its own, then to that of its name, then to that of all the rest.
5. What bots say goes to nobody, unless they are to be heard: two bots would answer each other for
   ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from chatstate.bot.handlers import not_taken
from chatstate.bot.listing import command_of, languages
from chatstate.bot.route import Home, Route
from chatstate.errors import BindingError
from chatstate.language.sentences import NoHandlerSentence, Sentence, Sentences
from chatstate.messages import ChatKind, ChatPlace, Command, Message
from chatstate.signature import where

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)
_UNLISTED = ("start", "cancel")


class Routes:
    """A bot's routes: by command, and by the kind of message or the name of an update.

    `hear_bots`: also what bots say. `timers` are those of timers, by their names; `cleaners` are
    the names of those that are called when somebody is to be forgotten.
    """

    def __init__(self, *, hear_bots: bool = False) -> None:
        self.hear_bots = hear_bots
        self._commands: dict[str, Route] = {}
        self._groups: set[str] = set()
        self._completions: dict[tuple[str, str], Route] = {}
        self._kinds: dict[str, Route] = {}
        self._filtered: list[Route] = []
        self.timers: dict[str, Route] = {}
        self.cleaners: set[str] = set()

    def __iter__(self) -> Iterator[Route]:
        yield from self._commands.values()
        yield from self._completions.values()
        yield from self._filtered
        yield from self._kinds.values()
        yield from self.timers.values()

    def add_command(self, name: str, route: Route) -> None:
        """Let `/name` go to a handler. Raises `BindingError` if it goes to one already."""
        there = self._rival(name)
        if there and route.is_own:
            return
        if there:
            raise BindingError(
                f"{where(there.handler.fn)} answers {there.name} already, so "
                f"{where(route.handler.fn)} cannot answer /{name}; give it a name of its own: "
                "@bot.command(name=...)"
            )
        groups = set(_groups_of(name))
        for ours in (name, *groups):
            self._commands.pop(ours, None)
        self._groups |= groups
        self._commands[name] = route

    def add_completion(self, command: str, argument: str, route: Route) -> None:
        """Let what may be typed for an argument be told by a handler."""
        self._completions[command, argument] = route

    def add_timer(self, name: str, route: Route) -> None:
        """Let timers of a name go to a handler. Raises `BindingError` if they go to one already."""
        there = self.timers.setdefault(name, route)
        if there is not route:
            raise BindingError(
                f"{where(there.handler.fn)} is called {name!r} already, so timers would not find "
                f"{where(route.handler.fn)}: rename one of them"
            )

    def _rival(self, name: str) -> Route | None:
        """Return an author's command of this name, or one of which either is the other's group."""
        ways = (self._commands.get(known) for known in (name, *_groups_of(name)))
        there = next((route for route in ways if route and not route.is_own), None)
        return there or next((self._commands[known] for known in self._in_group(name)), None)

    def _in_group(self, group: str) -> Iterator[str]:
        return (name for name in self._commands if name.startswith(f"{group} "))

    def add(self, kind: str, route: Route) -> None:
        """Let a kind of messages, or an update by its name, go to a handler.

        If it has a filter, those of them that it lets pass. Raises `BindingError` if another one
        gets each of them already.
        """
        there = self._kinds.get(kind)
        if there and not there.is_own:
            if route.is_own:
                return
            remedy = "make one function of them"
            if kind == "message":
                remedy = "register the one before that has a filter (text=, kind= or where=)"
            raise BindingError(
                f"{where(there.handler.fn)} gets each {kind} already, so {where(route.handler.fn)} "
                f"would get none; {remedy}"
            )
        if route.filter:
            self._filtered.append(route)
        else:
            self._kinds[kind] = route

    def command(self, name: str) -> Route | None:
        """Return the route of `/name`."""
        return self._commands.get(name)

    @property
    def kinds(self) -> frozenset[str]:
        """What can come to a handler: kinds of messages, and updates by their names."""
        return frozenset({"message", "press", *self._kinds})

    @property
    def updates(self) -> frozenset[str]:
        """Those that have a handler by their name: "telegram:poll_answer"."""
        return frozenset(kind for kind in self._kinds if ":" in kind)

    @property
    def interrupts(self) -> bool:
        """Whether any event can end a running turn."""
        return any(route.handler.overlap == "interrupt" for route in self)

    def include(self, other: Routes, home: Home) -> None:
        """Take over another bot's handlers. Raises `BindingError` if both have one for the same."""
        for mine, theirs, what in self._clashes(other):
            raise BindingError(f"both {_whose(mine)} and {_whose(theirs)} {what}; keep one of them")
        for name, inner in other._commands.items():
            if not (inner.is_own and _is_each_bots(name, inner)):
                self.add_command(name, replace(inner, homes=(home, *inner.homes)))
        for (name, argument), inner in other._completions.items():
            self.add_completion(name, argument, replace(inner, homes=(home, *inner.homes)))
        for inner in other._filtered:
            self.add("message", replace(inner, homes=(home, *inner.homes)))
        for kind, inner in other._kinds.items():
            self.add(kind, replace(inner, homes=(home, *inner.homes)))
        self.cleaners |= other.cleaners
        for name, inner in other.timers.items():
            self.add_timer(name, replace(inner, homes=(home, *inner.homes)))

    def _clashes(self, other: Routes) -> Iterator[tuple[Route, Route, str]]:
        for name, theirs in other._commands.items():
            mine = self._rival(name)
            if mine and not theirs.is_own:
                yield mine, theirs, f"answer /{name}"
        for kind, theirs in other._kinds.items():
            ours = self._kinds.get(kind)
            if ours and not ours.is_own and not theirs.is_own:
                yield ours, theirs, f"answer what is of kind {kind!r}"
        for name in self.timers.keys() & other.timers.keys():
            yield self.timers[name], other.timers[name], f"are called {name!r}, as timers' handlers"
        all_of_mine = self._kinds.get("message")
        if all_of_mine and other._filtered:
            yield all_of_mine, other._filtered[0], "answer messages, and the first gets each"

    def find(self, message: Message, *, pressed_command: bool = False) -> tuple[Route, str] | None:
        """Return the route of `message` and the text its handler gets; None if there is none.

        `pressed_command`: it is a press that runs a command. Raises `Sentence` if the person
        should be told so.
        """
        if message.sender.is_bot and not self.hear_bots:
            return None
        kind, text = message.kind, message.text
        if text[:1] == "/" and (kind == "message" or pressed_command):
            found = _COMMAND.fullmatch(text)
            if found:
                return self._command(found, message, pressed_command=pressed_command)
        if kind == "press":
            kind = "message"
        elif kind == "complete":
            return self._completion(message)
        route = self._of_update(message) if message.update else self._kinds.get(kind)
        if self._filtered and kind == "message":
            route = next((some for some in self._filtered if _lets_pass(some, message)), route)
        if route is None:
            if kind == "message" and message.chat.kind == "private":
                raise Sentence("not_understood" if self._filtered else "only_commands")
            return None
        if message.attachments and not text.strip() and _sees_nothing_of(message, route):
            raise not_taken(message.attachments)
        return route, text

    def _of_update(self, message: Message) -> Route | None:
        find, kind = self._kinds.get, message.kind
        return (kind != "other" and find(kind)) or find(message.update) or find("other")

    def _command(
        self, found: re.Match[str], message: Message, *, pressed_command: bool
    ) -> tuple[Route, str] | None:
        name, rest = found[1].lower(), found[3] or ""
        while name in self._groups:
            word, *more = rest.split(maxsplit=1) or [""]
            whole = f"{name} {word.lower()}"
            if not (whole in self._commands or whole in self._groups):
                kind = NoHandlerSentence if word else Sentence
                raise kind("which_command", usages=self._usages(name))
            name, rest = whole, more[0] if more else ""
        route = self._commands.get(name)
        if route:
            if route.listing.chats:
                _refuse_elsewhere(route.listing.chats, message.chat.kind)
            return route, rest
        if not (pressed_command or message.chat.kind == "private"):
            return None
        raise NoHandlerSentence("unknown_command", command=found[1])

    def _completion(self, message: Message) -> tuple[Route, str] | None:
        """Return what tells how an argument can go on, and what of it has been typed."""
        given = message.arguments or {}
        argument = next(reversed(given), "")
        route = self._completions.get((message.text[1:].lower(), argument))
        return (route, given[argument]) if route else None

    def _usages(self, group: str) -> str:
        routes = (self._commands[name] for name in self._in_group(group))
        return ", ".join(route.handler.usage for route in routes if _is_for_all(route))

    def listed(self, sentences: Sentences, tags: Sequence[str] | None = None) -> list[Command]:
        """Return the commands to tell people of, in the order of registration; /help is the last.

        The framework's own are described in languages too, each language that an author's are
        described in if no `tags` say which.
        """
        shown = {name: route for name, route in self._commands.items() if not route.listing.hidden}
        names = [name for name, route in shown.items() if not route.is_own]
        own = [name for name, route in shown.items() if route.is_own and not _is_known(name, route)]
        names += sorted(own, key=lambda name: name == "help")  # it is the last
        tags = languages(shown.values()) if tags is None else tags
        return [command_of(name, shown[name], sentences, tags) for name in names]

    def for_all(self, commands: Sequence[Command]) -> list[Command]:
        """Return those of `commands` that not only owners may use."""
        return [command for command in commands if not self._commands[command.name].is_for_owners]


def _groups_of(name: str) -> Iterator[str]:
    """Yield the groups that a command is in, by their whole names."""
    group = name.rpartition(" ")[0]
    if group:
        yield from _groups_of(group)
        yield group


def _is_each_bots(name: str, route: Route) -> bool:
    """Tell whether each bot has an own command of its own: all but that gives up a form."""
    return name in ("help", "start", "link", "unlink") or (
        name == "cancel" and not route.handler.slots
    )


def _is_known(name: str, route: Route) -> bool:
    """Tell whether a command needs no telling: all know it, unless it begins a form."""
    return name in _UNLISTED and route.handler.form is None


def _is_for_all(route: Route) -> bool:
    return not (route.listing.hidden or route.is_for_owners)


def _refuse_elsewhere(chats: ChatPlace, kind: ChatKind) -> None:
    """Raise `Sentence` for a command that is not for this kind of chats."""
    if (chats == "private") != (kind == "private"):
        raise Sentence("only_in_private" if chats == "private" else "only_in_groups")


def _lets_pass(route: Route, message: Message) -> bool:
    return route.filter is None or route.filter.fits(message)


def _sees_nothing_of(message: Message, route: Route) -> bool:
    """Tell whether a message to the bot is lost on a handler: a file alone, on one of texts.

    In a group it may be for others, and middleware may look at it.
    """
    handler = route.handler
    if message.kind != "message" or message.chat.kind != "private":
        return False
    if route.filter and route.filter.kinds:  # these files were asked for
        return False
    return (
        handler.hears_text
        and not handler.sees_files
        and not any(home.around for home in route.homes)
    )


def _whose(route: Route) -> str:
    return f"{where(route.handler.fn)} of {route.home.id!r}"
