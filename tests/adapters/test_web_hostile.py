"""Visitors who mean harm: what they send is refused as such, and costs no more than others'."""

import asyncio
import base64
import logging
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from adapters.test_web_access import ADA, echo
from adapters.web_page import HOST, TOKEN, Visitor, on, visiting
from adapters.web_signed import Sender, keys_in
from hypothesis import given
from hypothesis import strategies as st

from chatstate_web import WebAdapter, WebOptions
from chatstate_web.receive import guard
from chatstate_web.receive.cookies import Cookies
from chatstate_web.receive.guard import network_of
from chatstate_web.receive.oauth import Issuer
from chatstate_web.receive.wire import number_of

DIGITS = "9" * 5000
DEEP = b"[" * 100_000


@given(st.text())
def test_what_is_named_as_a_number_is_one_or_none(text: str) -> None:
    """Whatever it is; and never one that a store cannot have."""
    number = number_of(text)
    assert number is None or 0 <= number < 10**16


async def test_numbers_that_nobody_counts_to() -> None:
    """In an address, in a header, and by an owner: they are refused, or of nothing."""
    page = WebAdapter(listen="127.0.0.1:0", page_token=TOKEN)
    async with on(echo(), page), visiting(page.app, "127.0.0.1") as (visitor,):
        await visitor.enter()
        for path in (f"files/{DIGITS}/0", f"files/1/{DIGITS}", "files/1/-1"):
            assert (await visitor.client.get(path)).status_code == 404
        for number in (1 << 63, -1):
            asked = {"verb": "retry", "number": number}
            assert (await visitor.client.post("inspector", json=asked)).status_code == 403
        for length in (DIGITS, "1_0", "-1"):
            headers = {"Content-Length": length}
            answer = await visitor.client.post("enter", content=b"", headers=headers)
            assert answer.status_code == 413


async def test_what_is_nested_too_deep_is_no_event(tmp_path: Path) -> None:
    """And nothing else that is posted; nor is a time that no clock has."""
    async with on(echo(), keys=keys_in(tmp_path)) as page:
        sender = Sender(page.app)
        inner = b"%s%s" % (DEEP, DEEP.replace(b"[", b"]"))
        body = b'{"conversation":"builds","identity":"ci","text":"x","data":%s}' % inner
        assert (await sender.send("key-deep", body)).status_code == 400
        event = msgspec.json.encode({"conversation": "builds", "identity": "ci", "text": "x"})
        for at in (float(10**300), -1.0):
            assert (await sender.send("key-late", event, at=at)).status_code == 401
        await sender.client.aclose()
        async with visiting(page.app, "10.0.0.1") as (visitor,):
            await visitor.enter()
            unknown = b'{"thread":"","verb":1,"x":%s}' % inner
            for path in ("stop", "inspector", "enter"):
                for content in (DEEP, unknown):
                    answer = await visitor.client.post(path, content=content)
                    assert answer.status_code in (204, 403)
            answer = await visitor.client.post("say", data={"said": '{"x":' + "[" * 100_000})
            assert answer.status_code == 400


async def test_only_what_has_files_may_be_large() -> None:
    """Nobody who has not been let in makes the page keep megabytes in memory."""
    async with on(echo()) as page, visiting(page.app, "10.0.0.1") as (visitor,):
        large = {"token": "x" * (1 << 19)}
        assert (await visitor.client.post("enter", json=large)).status_code == 413

        async def pieces() -> Any:
            for _ in range(9):
                yield b"x" * (1 << 16)

        answer = await visitor.client.post("enter", content=pieces())
        assert answer.status_code == 403
        await visitor.enter()
        files = [("a.txt", b"x" * (1 << 20), "text/plain")]
        assert (await visitor.post(text="hi", files=files)).status_code == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
    ],
)
def test_who_has_many_addresses_counts_once(address: str, network: str) -> None:
    """By IPv6 anybody has 2^64 of them: each would have 20 tries of the password."""
    assert network_of({"client": (address, 1)}) == network
    assert network_of({"client": None}) == ""


async def test_tries_from_one_network_are_counted_together() -> None:
    """Whatever address of it they come from."""
    addresses = [f"2001:db8:1:2::{number:x}" for number in range(21)]
    async with on(echo()) as page, visiting(page.app, *addresses) as visitors:
        tried = [await visitor.enter(token="wrong") for visitor in visitors]
        assert tried == [403] * 20 + [429]


async def test_a_page_that_came_by_https_takes_nothing_from_one_by_http() -> None:
    """Whoever is between can make one of the same name."""
    async with on(echo(), hosts=["tea.example.org"]) as page:
        base = "https://tea.example.org"
        for origin, status in ((base, 204), ("http://tea.example.org", 403)):
            visitor = Visitor(page.app, base=base)
            answer = await visitor.client.post(
                "enter", json={"token": TOKEN}, headers={"Origin": origin}
            )
            assert answer.status_code == status
            await visitor.client.aclose()


def test_what_is_signed_for_one_purpose_is_no_cookie() -> None:
    """A cookie shows what the entrance is signed with: that signs no cookie."""
    cookies = Cookies(b"s" * 32, "password hunter2", "bot")
    made = cookies.make(ADA, 0)
    assert cookies.person(made, 1) == ADA
    assert cookies.person(f"password hunter2.{cookies._entrance}", 1) is None
    assert cookies._mac("cookie", "a") != cookies._mac("entrance", "a")


async def test_who_goes_away_or_says_no_more_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In the middle of what they post: it is let go of, and not told as a fault of ours."""
    monkeypatch.setattr(guard, "_PIECE_SECONDS", 0.01)
    async with on(echo()) as page, visiting(page.app, "10.0.0.1") as (visitor,):
        await visitor.enter()
        cookie = "; ".join(f"{c.name}={c.value}" for c in visitor.client.cookies.jar)
        for rest in ({"type": "http.disconnect"}, None):
            sent: list[Any] = []
            given = [{"type": "http.request", "body": b"--a\r\n", "more_body": True}, rest]

            async def receive() -> Any:
                message = given.pop(0)  # noqa: B023 - called here
                if message is None:
                    await asyncio.Event().wait()
                return message

            async def send(message: Any) -> None:
                sent.append(message)  # noqa: B023 - called here

            headers = {
                "host": "localhost",
                "origin": HOST,
                "cookie": cookie,
                "content-type": "multipart/form-data; boundary=a",
            }
            scope = {
                "type": "http",
                "method": "POST",
                "path": "/say",
                "raw_path": b"/say",
                "query_string": b"",
                "scheme": "http",
                "server": ("localhost", 80),
                "client": ("10.0.0.1", 1),
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
            with caplog.at_level(logging.WARNING):
                await page.app(scope, receive, send)
            assert sent[0]["status"] == 408
        assert caplog.records == []


def issuer() -> Issuer:
    """Return one whose keys are known, and that nobody has to ask."""
    made = Issuer(WebOptions(oauth_issuer="https://i.example"), "https://r.example/mcp")
    made._asked_at = 10.0**12
    made._keys = {"none": cast("Any", None)}
    return made


def test_what_is_no_token_is_none_whatever_it_is() -> None:
    """Anybody may send one: that never fails."""
    with asyncio.Runner() as runner:
        anybodys = issuer()

        @given(st.binary(max_size=60), st.sampled_from([b"", b".", b"..", b".e30."]))
        def counts(junk: bytes, between: bytes) -> None:
            token = (junk + between + junk).decode("latin1")
            assert runner.run(anybodys.verify_token(token)) is None

        counts()
        runner.run(anybodys.close())


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 40_000,
        b"{}",
        b'{"alg":"RS256"}',
        b'{"alg":1,"kid":"none"}',
        b'{"kid":[],"alg":"RS256"}',
    ],
)
async def test_a_header_that_is_none_is_no_token(header: bytes) -> None:
    """Nested, empty, or of other types."""
    anybodys = issuer()
    encoded = base64.urlsafe_b64encode(header).decode().rstrip("=")
    assert await anybodys.verify_token(f"{encoded}.e30.AA") is None
    await anybodys.close()
