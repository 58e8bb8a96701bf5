"""Who is let onto the page, and what no request may do there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from adapters.web_page import HOST, TOKEN, Visitor, on, visiting
from starlette.applications import Starlette
from starlette.routing import Mount

from chatstate import AdapterError, Interface, Message, PerMember, Reply
from chatstate.files import File
from chatstate.testing import MemoryData, MemoryStore
from chatstate_web import WebAdapter, WebOptions
from chatstate_web.receive import links
from chatstate_web.receive.cookies import LASTS, Cookies, Person
from chatstate_web.receive.links import Links
from chatstate_web.receive.rates import REMEMBERED, Rates

ADA = Person("1", "Ada")


def echo() -> Interface:
    bot = Interface(id="echo", title="Echo")

    @bot.on_message
    def answer(message: Message, said: PerMember[list[str]]) -> Reply | str:
        said.append(message.text)
        if message.text == "file":
            return Reply("Here", files=[File(b"<script>", "a.html", "text/html")])
        return " ".join(said)

    return bot


async def test_nothing_is_told_without_the_token() -> None:
    """Not on this machine either: what is no page of everybody's asks for it, whatever it is."""
    async with on(echo()) as page, visiting(page.app, "127.0.0.1") as (visitor,):
        for path in ("session", "history", "events", "files/1/0"):
            answer = await visitor.client.get(path)
            assert (answer.status_code, answer.json()) == (401, {"asks": "token", "title": "Echo"})
        for path in ("say", "stop", "link"):
            assert (await visitor.client.post(path)).status_code == 401
        assert (await visitor.client.get("")).status_code == 200
        assert await visitor.enter(token="wrong") == 403
        assert await visitor.enter(password=TOKEN) == 403
        assert (await visitor.client.get("session")).status_code == 401
        assert await visitor.enter(token=TOKEN) == 204
        assert (await visitor.session())["title"] == "Echo"


async def test_a_token_is_new_at_each_start_and_is_told() -> None:
    """With the address that people open; it is none that anybody can guess."""
    told: list[str] = []
    for _ in range(2):
        async with on(echo(), WebAdapter(listen="127.0.0.1:0"), told=told.append):
            pass
    tokens = [address.partition("#token=")[2] for address in told]
    assert all(address.startswith("http://127.0.0.1:") for address in told)
    assert len(set(tokens)) == 2
    assert all(len(token) >= 32 for token in tokens)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8000", 200),
        ("bot.example.org", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("10.0.0.5:8000", 421),
        ("", 421),
        ("[::1", 421),
    ],
)
async def test_the_page_is_known_by_its_own_names_alone(host: str, status: int) -> None:
    """A name that somebody lets lead to this machine opens nothing: not even what all may see."""
    async with (
        on(echo(), hosts=["bot.example.org"]) as page,
        visiting(page.app, "127.0.0.1") as (visitor,),
    ):
        answer = await visitor.client.get("", headers={"Host": host})
        assert answer.status_code == status


async def test_an_address_is_no_name_that_somebody_can_let_lead_elsewhere() -> None:
    """So a page that others open is known by it; and still by no name that is not listed."""
    page = WebAdapter(listen="0.0.0.0:0", web_auth="hunter2")
    async with visiting(page.app, "10.0.0.7") as (visitor,):
        asked = [
            (await visitor.client.get("", headers={"Host": host})).status_code
            for host in ("192.168.1.5:8000", "[fe80::1]:8000", "evil.example")
        ]
        assert asked == [200, 200, 421]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:81", "", "localhost", None]
)
async def test_what_is_no_get_comes_from_the_page_itself(origin: str | None) -> None:
    """Though the browser sends the cookie: another site's form or script does nothing here."""
    async with on(echo()) as page, visiting(page.app, "127.0.0.1") as (visitor,):
        await visitor.enter()
        headers = {} if origin is None else {"Origin": origin}
        if origin is None:
            del visitor.client.headers["Origin"]
        assert (await visitor.post(text="hi", headers=headers)).status_code == 403
        for path in ("enter", "leave", "link", "stop"):
            answer = await visitor.client.post(path, json={"token": TOKEN}, headers=headers)
            assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)
        assert await visitor.shown() == []


async def test_a_cookie_is_read_by_no_script_and_sent_by_no_other_site() -> None:
    """And over https only by https; at the path where the page is mounted."""
    async with on(echo()) as page:
        mounted = Starlette(routes=[Mount("/chat", app=page.app)])
        for base in (f"{HOST}/chat", "https://localhost/chat"):
            visitor = Visitor(mounted, base=base)
            answer = await visitor.client.post("enter", json={"token": TOKEN})
            told = answer.headers["set-cookie"].lower()
            for wanted in ("httponly", "samesite=strict", "path=/chat", "max-age="):
                assert wanted in told
            assert ("secure" in told) == base.startswith("https")
            assert (await visitor.session())["title"] == "Echo"
            await visitor.client.aclose()


async def test_answers_tell_browsers_what_they_may_do() -> None:
    """No script but the page's own, nothing from elsewhere, no frame, no guessing; on all."""
    async with on(echo()) as page, visiting(page.app, "127.0.0.1") as (visitor,):
        for path in ("", "page.js", "session", "nothing"):
            headers = (await visitor.client.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "access-control-allow-origin" not in headers


def test_a_page_that_others_can_open_needs_a_password() -> None:
    """It is refused when it is made, before anything listens."""
    for listen in ("0.0.0.0:8000", "192.168.1.5:8000", "[::]:8000", "example.org:80"):
        with pytest.raises(AdapterError, match="--web-auth"):
            WebAdapter(listen=listen)
        assert WebAdapter(listen=listen, web_auth="hunter2").options.listen == listen
    for local in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000", None):
        WebAdapter(listen=local)
    with pytest.raises(AdapterError, match="HOST:PORT"):
        WebAdapter(listen="8000")


async def test_a_password_lets_in() -> None:
    """Each browser is somebody; who has none is asked for it, and a token counts no more."""
    async with (
        on(echo(), web_auth="hunter2") as page,
        visiting(page.app, "10.0.0.1", "10.0.0.2") as (ada, bob),
    ):
        assert (await ada.client.get("session")).json()["asks"] == "password"
        assert await ada.enter(token=TOKEN) == 403
        assert await ada.enter(password="hunter") == 403
        assert await ada.enter(password="hunter2") == 204
        assert await bob.enter(password="hunter2") == 204
        assert (await ada.session())["person"] != (await bob.session())["person"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_authors_function_tells_who_may_enter(*, is_async: bool) -> None:
    """A name is the same person on each device, whoever lets in by which way."""

    def check(name: str, password: str) -> bool:
        return (name, password) == ("Ada", "engine")

    async def check_soon(name: str, password: str) -> bool:
        await asyncio.sleep(0)
        return check(name, password)

    adapter = WebAdapter(listen=None, web_auth=check_soon if is_async else check)
    async with (
        on(echo(), adapter) as page,
        visiting(page.app, "10.0.0.1", "10.0.0.2") as (desk, phone),
    ):
        assert (await desk.client.get("session")).json()["asks"] == "name"
        for given in ({"name": "Ada", "password": "no"}, {"name": "", "password": "engine"}):
            assert await desk.enter(**given) == 403
        assert await desk.enter(token=page.token) == 403
        for visitor in (desk, phone):
            assert await visitor.enter(name=" Ada ", password="engine") == 204
        assert await desk.session() == await phone.session()
        assert (await desk.session())["name"] == "Ada"


def test_a_function_is_named_on_the_command_line() -> None:
    """As @MODULE:FUNCTION; one that is not there is told."""
    named = WebAdapter(listen="0.0.0.0:1", web_auth="@hmac:compare_digest")
    assert named._door.asks == "name"
    for wrong in ("@nowhere:check", "@hmac:nothing", "@hmac:__doc__", "@"):
        with pytest.raises(AdapterError, match="--web-auth"):
            WebAdapter(web_auth=wrong)


async def test_whoever_came_in_before_there_was_a_password_is_asked_again() -> None:
    """And stays who they are; so does who opens the address with the token once more."""
    data, people = MemoryData(), set[str]()
    async with visiting(WebAdapter(listen=None).app, "10.0.0.1") as (visitor,):
        for set_, entry, status in (
            (WebOptions(listen=None, page_token=TOKEN), {"token": TOKEN}, 401),
            (WebOptions(listen=None, page_token="new"), {"token": "new"}, 200),
            (WebOptions(listen=None, web_auth="secret"), {"password": "secret"}, 401),
        ):
            adapter = WebAdapter(set_)
            async with on(echo(), adapter, MemoryStore(data)) as page:
                visitor.client._transport = httpx.ASGITransport(page.app)
                assert (await visitor.client.get("session")).status_code == status
                assert await visitor.enter(**entry) == 204
                people.add((await visitor.session())["person"])
    assert len(people) == 1


def test_only_the_page_makes_cookies() -> None:
    """Another key's, a changed or an old one is nobody's, whatever else is sent as one."""
    cookies, others = Cookies(b"1", "token", "bot"), Cookies(b"2", "token", "bot")
    cookie = cookies.make(ADA, 1000)
    assert cookies.person(cookie, 1000) == ADA
    assert cookies.person(cookie, 1000 + LASTS) is None
    body, _, mac = cookie.partition(".")
    for forged in (
        "",
        ".",
        "a.b",
        body,
        f"{body}.",
        f"{body}A.{mac}",
        f"é.{mac}",
        others.make(ADA, 1000),
    ):
        assert (cookies.person(forged, 1000), cookies.known(forged, 1000)) == (None, None)


async def test_files_are_given_to_whom_they_were_sent() -> None:
    """To nobody else, as nothing that a browser would run; and what nobody sent is not there."""
    async with (
        on(echo()) as page,
        visiting(page.app, "10.0.0.1", "10.0.0.2") as (ada, bob),
    ):
        await ada.enter()
        await bob.enter()
        await ada.say("file", files=[("<b>.png", b"PNG", "image/png")])
        mine, sent = [f"files/{message['id']}/0" for message in await ada.until(2)]
        answer = await ada.client.get(sent)
        assert answer.content == b"<script>"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert (await ada.client.get(mine)).content == b"PNG"
        for path in (mine, sent):
            assert (await bob.client.get(path)).status_code == 404
        for path in (mine[:-1] + "1", "files/1/0", f"files/{9**40}/0", f"files/{sent}/99999"):
            assert (await ada.client.get(path)).status_code == 404


async def test_what_is_too_large_is_refused() -> None:
    """Whether its length is told or not; the bot hears nothing of it."""
    async with (
        on(echo(), received_bytes=1000) as page,
        visiting(page.app, "10.0.0.1") as (visitor,),
    ):
        await visitor.enter()
        large = ("a.bin", b"x" * (1 << 21), "application/octet-stream")
        assert (await visitor.post(text="hi", files=[large])).status_code == 413

        async def pieces() -> AsyncIterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            for _ in range(40):
                yield b"x" * 100_000

        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = await visitor.client.post("say", content=pieces(), headers=headers)
        assert answer.status_code == 413
        many = [(f"{n}.txt", b"1", "text/plain") for n in range(11)]
        assert (await visitor.post(text="hi", files=many)).status_code == 400
        assert await visitor.shown() == []


@pytest.mark.parametrize(
    "said",
    [
        {"key": "short"},
        {"key": "../../etc/passwd"},
        {"do": "fly"},
        {"thread": "a/b"},
        {"thread": "x" * 33},
        {"text": 5},
        {"text": "x" * 100_001},
        {"message": "1; DROP TABLE"},
    ],
)
async def test_what_no_page_posts_is_refused(said: dict[str, Any]) -> None:
    """Its form is checked, whoever made it."""
    async with on(echo()) as page, visiting(page.app, "10.0.0.1") as (visitor,):
        await visitor.enter()
        assert (await visitor.post(**said)).status_code == 400
        assert await visitor.shown() == []


async def test_nobody_changes_what_is_not_theirs() -> None:
    """What another has, or the bot said, is edited by nobody; nor is it pressed or answered."""
    async with (
        on(echo()) as page,
        visiting(page.app, "10.0.0.1", "10.0.0.2") as (ada, bob),
    ):
        await ada.enter()
        await bob.enter()
        await ada.say("hi")
        said, answered = await ada.until(2)
        for visitor, message in ((bob, said), (bob, answered), (ada, answered)):
            posted = await visitor.post(do="edit", message=message["id"], text="changed")
            assert posted.status_code == 410
        assert (await bob.post(do="react", message=answered["id"], text="👍")).status_code == 410
        assert (await ada.post(do="press", text="x")).status_code == 410
        assert await ada.texts() == ["hi", "hi"]
        assert await bob.shown() == []


async def test_who_does_too_much_waits() -> None:
    """An address, whatever cookies it has; others go on, and it is told for how long."""
    async with (
        on(echo(), rate=5) as page,
        visiting(page.app, "10.0.0.1", "10.0.0.1", "10.0.0.2") as (ada, again, bob),
    ):
        for _ in range(5):
            await ada.enter()
        answer = await again.client.post("enter", json={"token": TOKEN})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "12")
        assert await bob.enter() == 204
        assert (await ada.client.get("session")).status_code == 200


def test_a_pace_is_kept() -> None:
    """So many at once, then one after the other; only so many addresses are remembered."""
    now = [0.0]
    rates = Rates(6, lambda: now[0])
    assert [rates.wait("a") for _ in range(8)] == [0.0] * 6 + [10.0] * 2
    now[0] += 10
    assert [rates.wait("a"), rates.wait("a")] == [0.0, 10.0]
    for number in range(REMEMBERED + 5):
        rates.wait(str(number))
    assert len(rates._taken) == REMEMBERED


async def test_a_code_leads_to_another_device() -> None:
    """It is the same person there, with all that was said; it counts once."""
    async with (
        on(echo()) as page,
        visiting(page.app, "10.0.0.1", "10.0.0.2", "10.0.0.3") as (desk, phone, other),
    ):
        await desk.enter()
        await desk.say("hi")
        await desk.until(2)
        code = (await desk.client.post("link")).json()["code"]
        assert len(code.replace("-", "")) == 12
        assert await phone.enter(code=code.lower().replace("-", " ")) == 204
        assert await phone.texts() == ["hi", "hi"]
        assert await other.enter(code=code) == 403
        assert await desk.session() == await phone.session()


def test_a_code_counts_for_five_minutes_and_few_tries() -> None:
    """A new one voids the one before; 60 bits are random, and none looks like another."""
    now = [0.0]
    codes = Links(lambda: now[0])
    first, second = codes.make(ADA), codes.make(ADA)
    assert codes.use(first) is None
    assert codes.use(second) == ADA
    late = codes.make(ADA)
    now[0] += links.LASTS
    assert codes.use(late) is None
    tried = codes.make(ADA)
    for number in range(links.TRIES):
        assert codes.use(f"0000-0000-{number:04}") is None
    assert codes.use(tried) is None
    fresh = codes.make(ADA)
    assert codes.use(fresh.replace("0", "o").replace("1", "l")) == ADA
    made = {Links(lambda: 0.0).make(ADA) for _ in range(50)}
    assert len(made) == 50


async def test_what_the_page_is_told_comes_from_the_stores_own_row_of_a_person() -> None:
    """Once a person's transcript is erased, as `forget` does, the page has nothing of it."""
    store = MemoryStore()
    async with on(echo(), store=store) as page, visiting(page.app, "10.0.0.1") as (visitor,):
        await visitor.enter()
        await visitor.say("hi", files=[("a.txt", b"1", "text/plain")])
        await visitor.until(2)
        (account,) = await store.accounts()
        await store.erase_transcript(account.id, (await visitor.session())["person"])
        assert await visitor.shown() == []
        assert (await visitor.session())["conversations"] == []


async def sees_all(adapter: WebAdapter, entry: dict[str, str]) -> tuple[bool, int, int]:
    """Tell whether somebody is told to be an owner, and gets what owners do."""
    async with on(echo(), adapter) as page, visiting(page.app, "127.0.0.1") as (visitor,):
        assert await visitor.enter(**entry) == 204
        told = (await visitor.session())["inspects"]
        seen = await visitor.client.get("inspector")
        asked = await visitor.client.post("inspector", json={"verb": "drop", "number": 7})
        return told, seen.status_code, asked.status_code


async def test_owners_alone_see_everybodys_state() -> None:
    """Whoever opens a page that is on this machine alone, and those who are named; nobody else."""

    def check(name: str, password: str) -> bool:
        return bool(name and password)

    token = {"token": TOKEN}
    ada, bob = ({"name": name, "password": "x"} for name in ("Ada", "Bob"))
    named = WebOptions(listen=None, owners=("Ada",))
    for adapter, entry, is_owner in (
        (WebAdapter(listen="127.0.0.1:0", page_token=TOKEN), token, True),
        (WebAdapter(listen="127.0.0.1:0", page_token=TOKEN, inspector=False), token, False),
        (WebAdapter(listen="127.0.0.1:0", page_token=TOKEN, proxies=["127.0.0.1"]), token, False),
        (WebAdapter(listen="127.0.0.1:0", page_token=TOKEN, hosts=["bot.example"]), token, False),
        (WebAdapter(listen=None, page_token=TOKEN), token, False),
        (WebAdapter(listen="127.0.0.1:0", web_auth="hunter2"), {"password": "hunter2"}, False),
        (WebAdapter(named, web_auth=check), ada, True),
        (WebAdapter(named, web_auth=check), bob, False),
        (WebAdapter(listen=None, web_auth=check), ada, False),
    ):
        wanted = (True, 200, 204) if is_owner else (False, 403, 403)
        assert await sees_all(adapter, entry) == wanted


async def test_the_inspector_tells_what_is_there() -> None:
    """Values as they are, whose they are, and what a turn has changed that ran meanwhile."""
    adapter = WebAdapter(listen="127.0.0.1:0", page_token=TOKEN)
    async with on(echo(), adapter) as page, visiting(page.app, "10.0.0.1", "10.0.0.2") as (a, b):
        await a.enter()
        await b.enter()
        await b.say("bob was here")
        await b.until(2)
        await a.client.get("inspector")
        await a.say("hi", key="key-of-hers")
        await a.until(2)
        while "settled" not in (told := (await a.client.get("inspector")).json())["turns"].get(
            "key-of-hers", {}
        ):
            await asyncio.sleep(0.002)
        assert [entry["body"] for entry in told["mine"]] == [["hi"]]
        assert [entry["body"] for entry in told["others"]] == [["bob was here"]]
        (change,) = told["turns"]["key-of-hers"]["changes"]
        assert change == {"scope": "member", "name": "said", "before": None, "after": ["hi"]}
        read = {"scope": "member", "name": "said", "value": []}
        turn = told["turns"]["key-of-hers"]
        assert turn["reads"] == [read]
        assert 0 < turn["ran"] < turn["settled"]
        assert told["figures"]["waiting"] == 0
        assert [told[shelf] for shelf in ("inbox", "outbox", "dead", "timers")] == [[], [], [], []]
