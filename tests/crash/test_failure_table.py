"""The process dies at a given point: each row of the table in docs/reliability.md."""

import signal
from pathlib import Path
from typing import Any

import pytest
from killing import Platform, Said, rows, values, worker

ROOM = ("room", None)
ELSEWHERE = ("elsewhere", None)
WAITING = "SELECT count(*) FROM inbox WHERE done_at IS NULL"
OWED = "SELECT count(*) FROM outbox"


def said(text: str, number: int = 1, kind: str = "message", parts: int = 1) -> Said:
    return Said(number, "ann", ROOM, text, parts, kind)


class Case:
    """A platform and a file, on which one process dies and the next one goes on."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.path = folder / "test.db"
        self.platform = Platform()
        self.options = options

    async def die(self, point: str, message: Said) -> None:
        """Say something to a process that kills itself at a point."""
        self.platform.say(message)
        async with worker(self.platform, self.path, kill_point=point, **self.options) as life:
            life.deliver(message)
            assert await life.ended() == -signal.SIGKILL

    async def go_on(self) -> None:
        """Let another process do the rest: deliver what was not acknowledged, and one more."""
        after = self.platform.say(said("2 1 0", 2))
        async with worker(self.platform, self.path, **self.options) as life:
            life.deliver(*self.platform.unacknowledged)
            await self.platform.until(
                lambda: (
                    not self.platform.unacknowledged and after.number in self.platform.answered()
                )
            )
            assert await life.stop() == 0
        assert rows(self.path, WAITING) == rows(self.path, OWED) == [(0,)]

    @property
    def texts(self) -> list[str]:
        return [sent.text for sent in self.platform.sent]

    @property
    def remembered(self) -> list[int]:
        return values(self.path, "member")["room", None, "ann"]

    @property
    def letters(self) -> list[str]:
        return [row[0] for row in rows(self.path, "SELECT error FROM dead_letters")]


FIRST, SECOND = "1.0 1 1 1 1 1", "2.0 2 2 2 2 2"


async def test_a_death_while_the_event_is_stored_leaves_it_to_the_platform(tmp_path: Path) -> None:
    """Nothing of it is on disk, nothing was acknowledged, and it is handled once."""
    case = Case(tmp_path)
    await case.die("storing", said("1 1 0"))
    assert case.platform.acknowledged == set()
    assert rows(case.path, "SELECT count(*) FROM inbox") == [(0,)]
    assert rows(case.path, "SELECT cursor FROM cursors") == []
    await case.go_on()
    assert (case.remembered, case.texts) == ([1, 2], [FIRST, SECOND])


async def test_a_death_before_the_acknowledgement_is_recognised(tmp_path: Path) -> None:
    """It is on disk with its cursor; the platform delivers it again, and it is handled once."""
    case = Case(tmp_path)
    await case.die("stored", said("1 1 0"))
    assert case.platform.acknowledged == set()
    assert rows(case.path, "SELECT event_id FROM inbox") == [("1",)]
    assert rows(case.path, "SELECT cursor FROM cursors") == [("1",)]
    await case.go_on()
    assert (case.remembered, case.texts) == ([1, 2], [FIRST, SECOND])


@pytest.mark.parametrize("point", ["handler", "before commit", "committing"])
async def test_a_death_before_the_commit_runs_the_turn_again(point: str, tmp_path: Path) -> None:
    """In the handler, after it, or within the transaction: nothing of that attempt is left."""
    case = Case(tmp_path)
    await case.die(point, said("1 1 0"))
    assert case.texts == []
    assert rows(case.path, "SELECT count(*) FROM states") == [(0,)]
    assert case.platform.unacknowledged or rows(case.path, WAITING) == [(1,)]
    await case.go_on()
    assert (case.remembered, case.texts) == ([1, 2], [FIRST, SECOND])


async def test_a_step_is_remembered_when_its_turn_runs_again(tmp_path: Path) -> None:
    """What was called outside before the death is not called again; its result is there."""
    case = Case(tmp_path)
    await case.die("step", said("/step 1"))
    assert rows(case.path, "SELECT name, value FROM notes") == [("1 call", "1")]
    await case.go_on()
    assert (case.platform.called, case.remembered) == ([1], [1, 2])
    assert case.texts[0] == "called 1"
    assert rows(case.path, "SELECT count(*) FROM notes") == [(0,)]


async def test_a_death_within_a_stream_shows_nothing_of_it(tmp_path: Path) -> None:
    """A generator that had yielded runs again; its last value is sent, once."""
    case = Case(tmp_path)
    await case.die("stream", said("1", kind="edit"))
    assert case.texts == []
    await case.go_on()
    assert case.remembered == [1, 2]
    assert case.texts[0] == "one two three"
    assert len(case.texts) == 2


@pytest.mark.parametrize("keys_known_for", [0.0, 300.0])
async def test_a_death_after_the_commit_sends_the_reply_at_start(
    keys_known_for: float, tmp_path: Path
) -> None:
    """All its parts, in order, before what is newer; the handler does not run again."""
    case = Case(tmp_path, keys_known_for=keys_known_for)
    await case.die("committed", said("1 3 0", parts=3))
    assert case.texts == []
    assert rows(case.path, OWED) == [(3,)]
    await case.go_on()
    parts = [FIRST.replace("1.0", f"1.{part}") for part in range(3)]
    assert (case.remembered, case.texts) == ([1, 2], [*parts, SECOND])


async def test_a_death_after_the_commit_holds_nothing_that_was_not_begun(tmp_path: Path) -> None:
    """With "hold" too, what was surely not sent is sent at start."""
    case = Case(tmp_path, policy="hold")
    await case.die("committed", said("1 3 0", parts=3))
    await case.go_on()
    assert len(case.texts) == 4
    assert case.letters == []


@pytest.mark.parametrize("point", ["begun", "got", "sent"])
async def test_a_death_while_sending_repeats_by_default(point: str, tmp_path: Path) -> None:
    """Whether the platform got it is not known: it is sent again, the same, under its key."""
    case = Case(tmp_path)
    await case.die(point, said("1 1 0"))
    before = [] if point == "begun" else [FIRST]
    assert case.texts == before
    await case.go_on()
    assert case.texts == [*before, FIRST, SECOND]
    assert [sent.text for sent in case.platform.effects()] == [FIRST, SECOND]
    assert case.letters == []


@pytest.mark.parametrize("point", ["begun", "got", "sent"])
async def test_a_death_while_sending_holds_the_reply_if_told_to(point: str, tmp_path: Path) -> None:
    """With "hold" it is never sent again; it is a dead letter, and the line goes on."""
    case = Case(tmp_path, policy="hold")
    await case.die(point, said("1 1 0"))
    before = [] if point == "begun" else [FIRST]
    await case.go_on()
    assert case.texts == [*before, SECOND]
    assert case.letters == ["held: it may have been sent before a crash"]
    assert case.remembered == [1, 2]


async def test_a_death_while_sending_holds_only_what_was_begun(tmp_path: Path) -> None:
    """The replies behind it in the line, which were surely not sent, are sent."""
    case = Case(tmp_path, policy="hold")
    await case.die("committed", said("1 3 0", parts=3))
    async with worker(case.platform, case.path, policy="hold", kill_point="got") as life:
        assert await life.ended() == -signal.SIGKILL
    await case.go_on()
    parts = [FIRST.replace("1.0", f"1.{part}") for part in range(3)]
    assert case.texts == [*parts, SECOND]
    assert case.letters == ["held: it may have been sent before a crash"]


@pytest.mark.parametrize(
    ("point", "policy"),
    [("begun", "repeat"), ("got", "repeat"), ("got", "hold"), ("sent", "hold")],
)
async def test_a_death_while_sending_is_healed_by_a_live_key(
    point: str, policy: str, tmp_path: Path
) -> None:
    """A platform that still knows the key gets it again and shows it once, whatever the policy."""
    case = Case(tmp_path, policy=policy, keys_known_for=300.0)
    await case.die(point, said("1 1 0"))
    await case.go_on()
    assert [sent.text for sent in case.platform.effects()] == [FIRST, SECOND]
    assert case.letters == []


async def test_two_deaths_in_a_row_do_not_send_what_is_held(tmp_path: Path) -> None:
    """A reply that may have been sent is not tried again while the culprit is looked for."""
    case = Case(tmp_path, policy="hold")
    await case.die("handler", said("1 1 0"))
    async with worker(case.platform, case.path, policy="hold", kill_point="got") as life:
        life.deliver(*case.platform.unacknowledged)
        assert await life.ended() == -signal.SIGKILL
    before = list(case.texts)
    await case.go_on()
    assert case.texts == [*before, SECOND]
    assert case.letters == ["held: it may have been sent before a crash"]


async def test_a_message_that_kills_its_process_is_set_aside(tmp_path: Path) -> None:
    """After three deaths while it ran alone it is a dead letter, and everybody is served."""
    case = Case(tmp_path)
    await case.die("handler", said("1 1 0"))
    for _ in range(4):  # the first finds it, those after it let it run alone
        async with worker(case.platform, case.path, kill_point="handler") as life:
            life.deliver(*case.platform.unacknowledged)
            assert await life.ended() == -signal.SIGKILL
    await case.go_on()
    assert case.remembered == [2]
    assert case.letters == ["the process crashed 3 times while only this event ran"]
    assert case.texts[0] == "Sorry, something went wrong. Nothing was changed."


# What goes elsewhere


def told(case: Case) -> list[str]:
    """Return what was sent elsewhere, as a platform that honours keys shows it."""
    return [sent.text for sent in case.platform.effects() if sent.lane == ELSEWHERE]


@pytest.mark.parametrize(
    "point", ["told", "before commit", "committing", "committed", "begun", "got", "sent"]
)
async def test_a_death_doubles_and_loses_nothing_that_is_told_elsewhere(
    point: str, tmp_path: Path
) -> None:
    """It goes with the commit of its turn, as the answer does: both or none."""
    case = Case(tmp_path, keys_known_for=300.0)
    await case.die(point, said("/tell 1"))
    if point in ("told", "before commit", "committing"):
        assert rows(case.path, OWED) == [(0,)]
    await case.go_on()
    assert told(case) == ["told 1"]
    assert case.remembered == [1, 2]
    assert case.letters == []


@pytest.mark.parametrize(
    "point",
    ["asking", "asked", "taken up", "before commit", "committing", "committed", "begun", "got"],
)
async def test_a_death_doubles_and_loses_nothing_that_a_bot_sends_by_itself(
    point: str, tmp_path: Path
) -> None:
    """It is stored before `bot.send` returns; who asks again under its key sends it once."""
    case = Case(tmp_path, keys_known_for=300.0)
    async with worker(case.platform, case.path, kill_point=point, keys_known_for=300.0) as life:
        life.ask("hi", "key")
        assert await life.ended() == -signal.SIGKILL
    assert rows(case.path, "SELECT count(*) FROM sent") == [(int(point != "asking"),)]
    case.platform.asked.clear()
    async with worker(case.platform, case.path, keys_known_for=300.0) as life:
        life.ask("hi", "key")
        await case.platform.until(lambda: bool(case.platform.asked and told(case)))
    assert case.platform.asked[-1] == ("stored" if point == "asking" else "duplicate")
    await case.go_on()
    assert told(case) == ["hi"]
    assert rows(case.path, "SELECT count(*) FROM requests") == [(0,)]
    assert case.letters == []
