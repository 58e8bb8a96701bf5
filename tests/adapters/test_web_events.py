"""Events that other systems post to a page: signed, once, and answered."""

import asyncio
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from adapters.web_page import HOST, on, visiting
from adapters.web_signed import KEYS, SECRET, Sender, keys_in, signed, texts

from chatstate import (
    AdapterError,
    Interface,
    Message,
    PerChat,
    PerMember,
    Ref,
    Reply,
    StorageError,
)
from chatstate.files import File
from chatstate.testing import MemoryData, MemoryStore
from chatstate_web import WebAdapter
from chatstate_web.receive import webhooks

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
OTHER = b"another-secret-of-32-bytes"


class Gate:
    """Lets a handler go on."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.opened.set()


def counting(gate: Gate | None = None) -> Interface:
    """Return a bot that counts, by whom and where."""
    bot = Interface(id="counting", owners=["web:ci"])

    @bot.on_message
    async def answer(
        message: Message, mine: PerMember[Ref[int]], ours: PerChat[Ref[int]]
    ) -> list[Reply]:
        if gate:
            await gate.opened.wait()
        mine.value += 1
        ours.value += 1
        told = f"{message.text} {message.sender.name} {message.chat.kind} {mine.value} {ours.value}"
        files = [File(b"log", "log.txt")] if message.raw and message.raw["data"] else []
        return [Reply(told, files=files), Reply("over")]

    @bot.command(allow="owners")
    def deploy(build: int) -> str:
        return f"deploying {build}"

    return bot


async def test_an_event_is_answered_with_what_the_bot_replies(tmp_path: Path) -> None:
    """It is somebody's, in a conversation, as a person's word is; its data and files come along."""
    async with on(counting(), keys=keys_in(tmp_path)) as page:
        ci = Sender(page.app)
        answer = await ci.post("1", "failed", name="CI", data={"build": 7})
        assert texts(answer) == ["failed CI group 1 1", "over"]
        first, second = answer.json()["replies"]
        assert second.keys() == {"id", "text"}
        assert [(file["name"], file["size"]) for file in first["files"]] == [("log.txt", 3)]
        assert texts(await ci.post("2", "/deploy 7")) == ["deploying 7"]
        assert texts(await ci.post("3", "hi", conversation="builds/9"))[0] == "hi ci group 1 2"
        assert texts(await ci.post("4", "hi", conversation="ada", identity="ada"))[0].startswith(
            "hi ada private 1 1"
        )


async def test_the_same_key_is_the_same_event(tmp_path: Path) -> None:
    """However often, at once, after a restart, by one signing key; another body is refused."""
    data, keys = MemoryData(), keys_in(tmp_path)
    async with on(counting(), store=MemoryStore(data), keys=keys) as page:
        ci = Sender(page.app)
        answers = await asyncio.gather(*(ci.post("1", "built") for _ in range(5)))
        assert {tuple(texts(answer)) for answer in answers} == {("built ci group 1 1", "over")}
        assert (await ci.post("1", "other")).status_code == 409
        theirs = await ci.post("1", "hi", identity="cron", secret=OTHER)
        assert texts(theirs)[0] == "hi cron group 1 2"
    async with on(counting(), store=MemoryStore(data), keys=keys) as page:
        ci = Sender(page.app)
        for answer in (await ci.post("1", "built"), await ci.look("1")):
            assert texts(answer) == ["built ci group 1 1", "over"]
        assert (await ci.post("1", "other")).status_code == 409
        assert texts(await ci.post("2", "built"))[0] == "built ci group 2 3"


async def test_an_event_is_known_when_its_id_is_not_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was delivered so long ago that a store may have forgotten its id is not done again."""
    monkeypatch.setattr(webhooks, "KNOWN_FOR", -1.0)
    async with on(counting(), keys=keys_in(tmp_path)) as page:
        ci = Sender(page.app)
        await ci.post("1", "built")
        monkeypatch.setattr(page._webhooks._host, "deliver", None)
        assert texts(await ci.post("1", "built"))[0] == "built ci group 1 1"


async def test_an_answer_that_is_not_there_in_time_is_asked_for_later(tmp_path: Path) -> None:
    """202 says where; what was replied is told as long as it is kept, after a restart too."""
    data, keys, gate = MemoryData(), keys_in(tmp_path), Gate()
    gate.opened.clear()
    async with on(counting(gate), store=MemoryStore(data), keys=keys) as page:
        ci = Sender(page.app)
        answer = await ci.post("1", wait=0)
        assert (answer.status_code, answer.headers["location"]) == (202, "events/1")
        assert answer.json() == {"receipt": "1", "status": "waiting"}
        assert (await ci.look("1", wait=0)).status_code == 202
        assert (await ci.look("2", wait=0)).status_code == 404
        gate.opened.set()
        assert texts(await ci.look("1")) == ["hi ci group 1 1", "over"]
    async with on(counting(gate), store=MemoryStore(data), keys=keys) as page:
        assert texts(await Sender(page.app).look("1")) == ["hi ci group 1 1", "over"]


async def test_what_is_not_signed_does_nothing(tmp_path: Path) -> None:
    """Not in another's name, at another time, with another body, or by a key that is gone."""
    async with on(counting(), keys=keys_in(tmp_path)) as page:
        ci = Sender(page.app)
        body = b'{"conversation": "builds", "identity": "ci", "text": "hi"}'
        now = time.time()
        for answer in (
            await ci.send("1", body, secret=b"guessed-by-somebody"),
            await ci.send("1", body, webhook_id="2"),
            await ci.send("1", body, webhook_timestamp=str(int(now) - 1)),
            await ci.send(
                "1", body, webhook_signature=signed("1", body + b" ")["webhook-signature"]
            ),
            await ci.send("1", body, webhook_signature="v1, v2,a =="),
            await ci.send("1", body, at=now - 310),
            await ci.send("1", body, at=now + 310),
            await ci.send("a/b", body),
            await ci.send("", body),
            await ci.client.post("/events", content=body),
            await ci.client.get("/events/1"),
        ):
            assert answer.status_code == 401, answer.text
            assert answer.json()["error"]
        right = signed("1", body)["webhook-signature"]
        both = await ci.send("1", body, webhook_signature=f"v1,bm8= {right}", at=None)
        assert texts(both) == ["hi ci group 1 1", "over"]
        assert texts(await ci.send("2", body, at=now - 290))[0] == "hi ci group 2 2"


async def test_a_key_is_for_its_own_conversations_and_identities(tmp_path: Path) -> None:
    """Whatever else it names is refused, and nothing is done there."""
    async with on(counting(), keys=keys_in(tmp_path)) as page:
        ci = Sender(page.app)
        for conversation, identity, wrong in (
            ("bob", "ci", "bob"),
            ("ada/1", "ci", "ada/1"),
            ("builds", "bob", "bob"),
        ):
            answer = await ci.post("1", conversation=conversation, identity=identity)
            assert answer.status_code == 403
            assert wrong in answer.json()["error"]
        cron = await ci.post("2", conversation="bob", identity="cron", secret=OTHER)
        assert texts(cron) == ["hi cron group 1 1", "over"]
        assert (await ci.look("2")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b'{"conversation": "builds", "identity": "ci"}', 400),
        (b'{"conversation": "builds", "identity": "ci", "text": 1}', 400),
        (b'{"conversation": "builds", "identity": "ci", "text": "", "to": ""}', 400),
        (b'{"conversation": "builds/a/b", "identity": "ci", "text": ""}', 400),
        (b" " * webhooks.LARGEST + b"{}", 413),
    ],
)
async def test_what_is_no_event_is_refused(tmp_path: Path, body: bytes, status: int) -> None:
    """With what is wrong; so is what is too large."""
    async with on(counting(), keys=keys_in(tmp_path)) as page:
        answer = await Sender(page.app).send("1", body)
        assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


async def test_who_posts_too_much_waits(tmp_path: Path) -> None:
    """By address, as all that comes to the page; a page that does not run says so."""
    async with on(counting(), keys=keys_in(tmp_path), rate=2) as page:
        ci = Sender(page.app)
        answers = [(await ci.post(f"{number}")).status_code for number in range(3)]
        assert answers == [200, 200, 429]
    stopped = WebAdapter(listen=None, keys=keys_in(tmp_path))
    assert (await Sender(stopped.app).post("1")).status_code == 503


async def test_what_cannot_be_taken_now_is_taken_later(tmp_path: Path) -> None:
    """A crowded conversation and a store that fails are told, and acknowledge nothing."""

    async def refuse(_: object) -> list[object]:
        return [SimpleNamespace(status="refused")]

    async def fail(_: object) -> list[object]:
        raise StorageError("no room")

    async with on(counting(), keys=keys_in(tmp_path)) as page:
        ci = Sender(page.app)
        for deliver, status in ((refuse, 429), (fail, 503)):
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(page._webhooks._host, "deliver", deliver)
                answer = await ci.post("1")
                assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
            assert (await ci.look("1")).status_code == 404
        assert texts(await ci.post("1")) == ["hi ci group 1 1", "over"]


async def test_a_person_sees_what_is_replied_to_an_event_of_their_conversation(
    tmp_path: Path,
) -> None:
    """A system writes into it, and the page shows the bot's replies; the post it shows not."""
    async with (
        on(counting(), keys=keys_in(tmp_path)) as page,
        visiting(page.app, "10.0.0.1") as (ada,),
    ):
        await ada.enter()
        person = (await ada.session())["person"]
        await Sender(page.app).post(
            "1", "built", conversation=person, identity="cron", secret=OTHER
        )
        assert await ada.texts() == ["built cron group 1 1", "over"]


def signed_by_a_shell() -> list[str]:
    """Return the body, the key, the time and the signature that the documentation's makes."""
    shell = re.findall(r"```sh\n(.*?)curl", DOCUMENTED, re.DOTALL)[0]
    told = subprocess.run(
        ["/bin/sh", "-c", f'{shell}\nprintf "%s\\n" "$body" "$id" "$now" "$signature"'],
        env={**os.environ, "SECRET": SECRET},
        capture_output=True,
        check=True,
        text=True,
    )
    return told.stdout.splitlines()


async def test_the_documentation_signs_as_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Python and in a shell: what its helpers post is taken."""
    python = re.findall(r"```python\n(.*?)```", DOCUMENTED, re.DOTALL)[0]
    posted: list[urllib.request.Request] = []
    monkeypatch.setattr(urllib.request, "urlopen", posted.append)
    monkeypatch.setattr("json.load", lambda _: None)
    names: dict[str, Any] = {}
    exec(python, names)  # noqa: S102 - our own documentation
    names["post"](
        f"{HOST}/events", SECRET, {"conversation": "builds", "identity": "ci", "text": "hi"}
    )
    body, key, now, signature = signed_by_a_shell()
    async with on(counting(), keys=keys_in(tmp_path)) as page:
        ci = Sender(page.app)
        request = posted[0]
        answer = await ci.client.post(
            "/events", content=cast("bytes", request.data), headers=request.headers
        )
        assert answer.status_code == 202
        answer = await ci.send(
            key, body.encode(), webhook_timestamp=now, webhook_signature=f"v1,{signature}"
        )
        assert texts(answer) == ["deploying 71"]


@pytest.mark.parametrize(
    "wrong",
    [
        "signing = 1",
        '[signing.ci]\nsecret = "short"\nconversations = []\nidentities = []',
        '[signing.ci]\nsecret = "whsec_??????????????"\nconversations = []\nidentities = []',
        '[signing."a b"]\nsecret = "long-enough-for-this"\nconversations = []\nidentities = []',
        "[sining]",
        "= no toml",
        '[tokens]\nada = "short"',
    ],
)
def test_a_file_of_keys_says_what_is_wrong_with_it(tmp_path: Path, wrong: str) -> None:
    """Before anything listens, and without a secret of it; so does one that is not there."""
    with pytest.raises(AdapterError, match="--keys") as told:
        WebAdapter(keys=keys_in(tmp_path, wrong))
    assert "short" not in str(told.value)
    with pytest.raises(AdapterError, match="No such file"):
        WebAdapter(keys=str(tmp_path / "nowhere.toml"))
    assert WebAdapter(keys=keys_in(tmp_path, KEYS)).options.keys
