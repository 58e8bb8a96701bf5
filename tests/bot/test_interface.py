"""A bot's handlers, and which of them an event goes to."""

import functools
import runpy
from pathlib import Path
from typing import Any

import pytest

from chatstate import (
    BindingError,
    Chat,
    Command,
    CommandOption,
    Global,
    Interface,
    Message,
    PerMember,
    PerUser,
    Ref,
    State,
    Turn,
    User,
    UserError,
)
from chatstate.language.sentences import Sentence
from chatstate.messages import MessageKind
from chatstate.testing import TestClient

ALICE = User("1", "Alice")
PRIVATE = Chat("p")
GROUP = Chat("g", "group")


def message(text: str, kind: MessageKind = "message", chat: Chat = PRIVATE) -> Message:
    return Message(text, ALICE, chat, kind)


def echo(text: str) -> str:
    """Say it again."""
    return text


def routed(bot: Interface, text: str, kind: MessageKind = "message", chat: Chat = PRIVATE) -> Any:
    """Return the name of the function that an event goes to, and the text it gets."""
    found = bot.routes.find(message(text, kind, chat))
    return found and (found[0].handler.fn.__name__, found[1])


def bot_with_everything() -> Interface:
    bot = Interface(id="all")

    @bot.command
    def vote(choice: int) -> None:
        """Vote for an option."""

    @bot.on_message
    def talk(text: str) -> None: ...
    @bot.on_edit
    def edited(text: str) -> None: ...
    @bot.on_join
    def joined(user: User) -> None: ...
    @bot.on_leave
    def left(user: User) -> None: ...

    return bot


# Routing


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("hi", "message", ("talk", "hi")),
        ("", "message", ("talk", "")),
        ("/vote 1", "message", ("vote", "1")),
        ("/VOTE 1", "message", ("vote", "1")),
        ("/vote", "message", ("vote", "")),
        ("/vote ", "message", ("vote", "")),
        ("/vote@MyBot 1 2", "message", ("vote", "1 2")),
        ("/vote\n1\n2", "message", ("vote", "1\n2")),
        ("/usr/bin", "message", ("talk", "/usr/bin")),
        ("/ vote", "message", ("talk", "/ vote")),
        ("/", "message", ("talk", "/")),
        ("//vote", "message", ("talk", "//vote")),
        (" /vote 1", "message", ("talk", " /vote 1")),
        ("/vote!", "message", ("talk", "/vote!")),
        (f"/{'x' * 33}", "message", ("talk", f"/{'x' * 33}")),
        ("/vote 1", "press", ("talk", "/vote 1")),
        ("Yes", "press", ("talk", "Yes")),
        ("hi", "edit", ("edited", "hi")),
        ("/vote 1", "edit", ("edited", "/vote 1")),
        ("", "join", ("joined", "")),
        ("", "leave", ("left", "")),
    ],
)
def test_each_event_goes_to_its_handler(text: str, kind: MessageKind, expected: Any) -> None:
    """Commands to theirs, other messages and presses to on_message, the rest by its kind."""
    assert routed(bot_with_everything(), text, kind) == expected


@pytest.mark.parametrize("kind", ["edit", "join", "leave"])
def test_an_event_that_nobody_asked_for_is_ignored(kind: MessageKind) -> None:
    """Without `on_edit` an edit counts nothing twice; nobody is told."""
    assert routed(Interface(echo, id="e"), "hi", kind) is None


def test_an_unknown_command_in_a_group_is_left_to_other_bots() -> None:
    """Nobody is answered who may have meant somebody else."""
    message = Message("/nope", User("a"), Chat("g", "group"))
    assert bot_with_everything().routes.find(message) is None


def test_an_unknown_command_is_told() -> None:
    """Its name is shown as it was written, and where to look."""
    with pytest.raises(Sentence) as error:
        routed(bot_with_everything(), "/Nope 1")
    assert str(error.value) == "There is no command /Nope. Send /help to see what I can do."


def test_a_message_to_a_bot_of_commands_is_told_in_private() -> None:
    """In a private chat the person learns where to look."""
    with pytest.raises(Sentence, match="I answer commands"):
        routed(Interface(id="commands"), "hi")


def test_a_message_to_a_bot_of_commands_is_none_of_its_business_in_a_group() -> None:
    """In a group people talk to each other."""
    assert routed(Interface(id="commands"), "hi", chat=GROUP) is None


# Registration


def test_a_command_is_named_after_its_function() -> None:
    """Decorated plainly, the function stays what it was."""
    bot = Interface(id="b")

    @bot.command
    def vote(choice: int) -> str:
        return str(choice)

    assert routed(bot, "/vote 1") == ("vote", "1")
    assert vote(3) == "3"


def test_a_command_may_have_another_name() -> None:
    """`name=` and `description=` win over the function's own."""
    bot = Interface(id="b")

    @bot.command(name="Vote", description="Choose.")
    def anything(choice: int) -> None:
        """Not shown."""

    choice = CommandOption("choice", "whole")
    assert bot.commands[0] == Command("vote", "Choose.", "/vote choice", (choice,))


@pytest.mark.parametrize("name", ["wahl!", "zwei worte", "x" * 33, "größe"])
def test_a_command_that_nobody_could_send_is_an_error(name: str) -> None:
    """The error says which names are possible."""
    bot = Interface(id="b")
    with pytest.raises(BindingError, match="cannot be a command: use 1 to 32 of a-z, 0-9 and _"):
        bot.command(name=name)(echo)


def test_more_examples_than_buttons_is_an_error() -> None:
    """It is told when the bot is made, not to everybody who says /start."""
    Interface(echo, id="b", examples=range(25))
    with pytest.raises(BindingError, match="there are 26 examples; /start can show 25"):
        Interface(echo, id="b", examples=range(26))


@pytest.mark.parametrize("example", [" ", "x" * 4001, ["x" * 3000, "y" * 3000]])
def test_an_example_that_no_button_can_send_is_an_error(example: Any) -> None:
    """The error names it."""
    with pytest.raises(BindingError, match=r"example .* cannot be a button"):
        Interface(echo, id="b", examples=["fine", example])


@pytest.mark.parametrize("fn", [lambda text: text, functools.partial(echo)])
def test_a_command_of_a_nameless_function_needs_a_name(fn: Any) -> None:
    """The error says how to give one."""
    bot = Interface(id="b")
    with pytest.raises(BindingError, match=r"as in @bot\.command\(name=\.\.\.\)"):
        bot.command(fn)
    bot.command(name="echo")(fn)
    assert bot.commands[0].usage == "/echo text"


def test_a_command_twice_is_an_error() -> None:
    """Case does not make another command."""
    bot = Interface(id="b")
    bot.command(name="echo")(echo)
    with pytest.raises(BindingError, match=r"echo\(\) in \S+ answers /echo already"):
        bot.command(name="ECHO")(echo)


@pytest.mark.parametrize("kind", ["message", "edit", "join", "leave"])
def test_a_second_handler_of_one_kind_is_an_error(kind: str) -> None:
    """Only one function answers each kind of event."""
    bot = Interface(id="b")
    getattr(bot, f"on_{kind}")(echo)
    with pytest.raises(BindingError, match=rf"echo\(\) in \S+ gets each {kind} already"):
        getattr(bot, f"on_{kind}")(echo)


def test_the_interfaces_own_function_is_the_handler_of_messages() -> None:
    """`Interface(fn)` and `@bot.on_message` are the same; both is an error."""
    bot = Interface(echo, id="b")
    with pytest.raises(BindingError, match=r"gets each message already"):
        bot.on_message(echo)


def test_states_of_one_bot_are_told_apart() -> None:
    """Two handlers that name different states alike are an error, which names the handler."""
    bot = Interface(id="b")

    @bot.command
    def first(visits: PerUser[Ref[int]]) -> None: ...

    with pytest.raises(BindingError, match=r"second\(\): parameter 'visits': two different states"):

        @bot.command
        def second(visits: PerMember[Ref[int]]) -> None: ...


def test_one_state_may_serve_two_bots() -> None:
    """What a State is named in one bot does not bind another."""
    shared = State([])

    def left(text: str, a: Any) -> None: ...
    def right(text: str, b: Any) -> None: ...

    Interface(left, ["text", shared], "text", id="left")
    Interface(right, ["text", shared], "text", id="right")


def test_a_single_input_and_output_need_no_list() -> None:
    """As in Gradio: `Interface(fn, "text", "text")`."""
    assert routed(Interface(echo, "text", "text", id="b"), "hi") == ("echo", "hi")


# What a bot tells about itself


def test_the_id_is_the_files_name() -> None:
    """Without `id=` a bot is called after the file in which it is made."""
    bot = Interface(echo)
    assert (bot.id, bot.has_own_id) == (Path(__file__).stem, False)


def test_a_given_id_wins() -> None:
    """With `id=` the file does not matter."""
    bot = Interface(echo, id="mine")
    assert (bot.id, bot.has_own_id, repr(bot)) == ("mine", True, "<Interface 'mine'>")


@pytest.mark.parametrize("name", ["__main__.py", "__init__.py"])
def test_the_id_of_a_package_is_the_folders_name(tmp_path: Path, name: str) -> None:
    """A file whose name says nothing is called after its folder."""
    file = tmp_path / "weather" / name
    file.parent.mkdir()
    file.write_text("from chatstate import Interface\nbot = Interface()")
    assert runpy.run_path(str(file))["bot"].id == "weather"


def test_code_without_a_file_is_called_bot() -> None:
    """At an interactive prompt there is no file."""
    module: dict[str, Any] = {"__name__": "prompt"}
    exec("from chatstate import Interface\nbot = Interface()", module)  # noqa: S102 - a module without a file
    assert module["bot"].id == "bot"


async def said(bot: Interface, text: str) -> list[str]:
    async with TestClient(bot) as client:
        return [reply.text for reply in await client.user("alice").say(text)]


HELP = """\
Polls
Polls for group chats

Commands:
/vote choice - Vote for an option.
/silent [word]
/help - Show this help."""


def polls(**options: Any) -> Interface:
    bot = Interface(id="polls", title="Polls", description="Polls for group chats", **options)

    @bot.command
    def vote(choice: int) -> None:
        """Vote for an option."""

    @bot.command
    def silent(word: str = "") -> None: ...

    return bot


@pytest.mark.parametrize("text", ["/help", "/start", "/start ref123", "/HELP me"])
async def test_help_and_start_say_what_the_bot_can_do(text: str) -> None:
    """Title, description and the commands in the order of registration, /help being the last."""
    assert await said(polls(), text) == [HELP]


async def test_help_of_a_bot_of_one_function_is_its_docstring() -> None:
    """Without title and description they are the id and the function's first line."""
    help_text = "echo\nSay it again.\n\nCommands:\n/help - Show this help."
    assert await said(Interface(echo, id="echo"), "/help") == [help_text]


def test_commands_are_listed_for_menus() -> None:
    """Name, description, usage and arguments; /start is not listed."""
    choice, word = CommandOption("choice", "whole"), CommandOption("word", required=False)
    assert polls().commands == [
        Command("vote", "Vote for an option.", "/vote choice", (choice,)),
        Command("silent", "", "/silent [word]", (word,)),
        Command("help", "Show this help.", "/help"),
    ]


async def test_a_bot_may_have_its_own_help() -> None:
    """Its own /help and /start take the place of ours, and are listed where they stand."""
    bot = polls()

    @bot.command
    def help() -> str:  # noqa: A001 - it is what people send
        """Ask me."""
        return "my help"

    @bot.command
    def start() -> str:
        """Begin."""
        return "my start"

    assert await said(bot, "/help") == ["my help"]
    assert await said(bot, "/start") == ["my start"]
    assert [command.name for command in bot.commands] == ["vote", "silent", "help", "start"]


@pytest.mark.parametrize("said_", ["/start", "/start ref123", "/START@the_bot ref 123"])
async def test_start_takes_what_a_link_to_the_bot_adds(said_: str) -> None:
    """A /start without arguments answers whoever comes; what was added is in `turn.text`."""
    bot = Interface(id="bot")

    @bot.command
    def start(turn: Turn) -> str:
        return f"<{turn.text}>"

    assert await said(bot, said_) == [f"<{said_.partition(' ')[2]}>"]


async def test_only_start_takes_more_than_it_has_arguments() -> None:
    """What is too much for another command, or for a /start with arguments, is told."""
    bot = polls()

    @bot.command
    def start(number: int = 0) -> str:
        return str(number)

    @bot.command
    def begin() -> str:
        return "begun"

    assert await said(bot, "/start 7") == ["7"]
    assert await said(bot, "/start 7 8") == [
        "There is too much: “8”. Send it like this: /start [number]"
    ]
    assert await said(bot, "/begin 7") == ["There is too much: “7”. Send it like this: /begin"]


async def test_sentences_are_replaced_in_what_people_read() -> None:
    """In answers, in help, and inside one another."""
    bot = polls(
        sentences={
            "help_commands": "Befehle:",
            "help_help": "Hilfe.",
            "unknown_command": "/{command}?",
            "not_a_number": "{text}: keine Zahl.",
            "bad_argument": "{problem} ({usage})",
        }
    )
    assert await said(bot, "/help") == [
        HELP.replace("Commands:", "Befehle:").replace("Show this help.", "Hilfe.")
    ]
    assert await said(bot, "/nope") == ["/nope?"]
    assert await said(bot, "/vote x") == ["“x”: keine Zahl. (/vote choice)"]


def test_an_unknown_sentence_is_an_error() -> None:
    """A misspelt name is told at once."""
    with pytest.raises(BindingError, match="there is no sentence 'help'"):
        Interface(id="b", sentences={"help": "Hilfe"})


# With the engine


async def test_both_forms_keep_the_same_state() -> None:
    """A handler by position and one by annotation share a state of one name."""
    scores = State([], scope="global", name="scores")

    def track(score: float, best: list[float]) -> tuple[str, list[float]]:
        return "noted", [*best, score]

    bot = Interface(track, ["number", scores], ["text", scores], id="scores")

    @bot.command
    def top(scores: Global[list[float]]) -> str:
        return str(scores)

    async with TestClient(bot) as client:
        await client.user("alice").say("7")
        assert [reply.text for reply in await client.user("bob").say("/top")] == ["[7.0]"]


async def test_an_edit_counts_nothing_twice() -> None:
    """A bot that did not ask for edits neither answers nor counts them."""

    def count(text: str, n: int) -> tuple[str, int]:
        return str(n + 1), n + 1

    bot = Interface(count, ["text", State(0)], ["text", "state"], id="count")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert [reply.text for reply in await alice.say("a")] == ["1"]
        assert await alice.say("b", kind="edit") == []
        assert [reply.text for reply in await alice.say("c")] == ["2"]


async def test_a_user_error_is_told_and_changes_nothing() -> None:
    """What `UserError` says is the reply; a change before it is not kept."""
    bot = Interface(id="b")

    @bot.on_message
    def shout(text: str, said: PerMember[list[str]]) -> str:
        said.append(text)
        if text == "no":
            raise UserError("Not that.")
        return ",".join(said)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        texts = [(await alice.say(text))[0].text for text in ("a", "no", "b")]
    assert texts == ["a", "Not that.", "a,b"]
