"""Files as data: names, media types, sources, sizes."""

import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstate import Attachment, File
from chatstate.files import is_media_type, readable_size, safe_name

LONG = "ä" * 150


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(b"meow")
    return path


def test_a_file_at_a_path_has_its_name_and_the_type_of_it(picture: Path) -> None:
    """Whether the path is a string or a Path."""
    for file in (File(picture), File(str(picture))):
        assert (file.name, file.media_type, file.path, file.read()) == (
            "cat.png",
            "image/png",
            picture,
            b"meow",
        )


def test_a_file_may_have_another_name_and_type_than_its_path(picture: Path) -> None:
    """What is given counts; a type that is not given is that of the name."""
    assert File(picture, "dog.jpg").media_type == "image/jpeg"
    assert File(picture, media_type="text/plain; charset=utf-8").media_type == (
        "text/plain; charset=utf-8"
    )


@pytest.mark.parametrize(
    ("name", "media_type", "expected"),
    [
        ("", "", ("file.bin", "application/octet-stream")),
        ("", "image/png", ("file.png", "image/png")),
        ("a.PNG", "", ("a.PNG", "image/png")),
        ("a.what", "", ("a.what", "application/octet-stream")),
        ("ünï ☂.txt", "", ("ünï ☂.txt", "text/plain")),
    ],
)
def test_bytes_get_a_name_and_a_type(name: str, media_type: str, expected: tuple[str, str]) -> None:
    """Each from the other, if one is missing."""
    file = File(b"x", name, media_type)
    assert (file.name, file.media_type) == expected
    assert file.read() == b"x"


@pytest.mark.parametrize("source", [bytearray(b"ab"), memoryview(b"ab")], ids=["array", "view"])
def test_what_holds_bytes_is_kept_as_it_is_now(source: Any) -> None:
    """A buffer that is changed later changes no file."""
    file = File(source)
    if isinstance(source, bytearray):
        source[0] = 0
    assert file.read() == b"ab"


def test_a_stream_is_read_when_it_is_sent_only() -> None:
    """`read` says so."""
    file = File(iter([b"a"]), "a.txt")
    assert file.path is None
    with pytest.raises(TypeError, match="a stream can be read once only, when it is sent"):
        file.read()


@pytest.mark.parametrize("source", [7, object()])
def test_a_source_of_another_kind_is_an_error(source: Any) -> None:
    """The error names what it is."""
    kind = type(source).__name__
    with pytest.raises(TypeError, match=f"takes a path, bytes or a stream of bytes, not {kind}"):
        File(source)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({}, ValueError, "made of a path, of bytes or a stream, or of id= or url="),
        ({"source": None}, ValueError, "here is nothing of it"),
        ({"id": ""}, ValueError, "An Attachment without an id is sent again by"),
        ({"source": b"a", "url": "https://a.example/a"}, ValueError, "not source= and url="),
        ({"source": "a.png", "id": "1"}, ValueError, "not source= and id="),
        ({"id": "1", "url": "https://a.example/a"}, ValueError, "not id= and url="),
        ({"id": 7}, TypeError, "File.id must be a str, not int"),
        ({"url": 7}, TypeError, "File.url must be a str, not int"),
        ({"url": "ftp://a.example/a"}, ValueError, "File.url is an address such as https://"),
        ({"url": "a.png"}, ValueError, "File.url is an address such as https://"),
        ({"url": "https://a.example/" + "a" * 2048}, ValueError, "at most 2048 characters"),
    ],
)
def test_a_file_is_in_one_place(given: dict[str, Any], error: type[Exception], says: str) -> None:
    """Here, on a platform, or in the web; the error says what was given, and what may be."""
    with pytest.raises(error, match=says):
        File(**given)


@pytest.mark.parametrize(
    ("file", "name", "media_type"),
    [
        (File(url="https://a.example/x/sky%20line.png?w=1"), "sky line.png", "image/png"),
        (File(url="https://a.example"), "file.bin", "application/octet-stream"),
        (File(url="https://a.example/sky", media_type="image/png"), "sky", "image/png"),
        (File(id="AgAC"), "file.bin", "application/octet-stream"),
        (File(id="AgAC", name="sky.png"), "sky.png", "image/png"),
    ],
)
def test_a_file_elsewhere_has_a_name_and_a_type(file: File, name: str, media_type: str) -> None:
    """As far as its address, or who made it, tells them; it cannot be read here."""
    assert (file.name, file.media_type, file.path) == (name, media_type, None)
    with pytest.raises(TypeError, match="is not here"):
        file.read()


def test_an_opened_text_is_no_source(tmp_path: Path) -> None:
    """A file opened for text is refused where the File is made, with the remedy."""
    (tmp_path / "a.txt").write_text("hi")
    with (tmp_path / "a.txt").open() as opened:
        for source in (opened, io.StringIO("hi")):
            with pytest.raises(TypeError, match='open it with mode "rb"'):
                File(source)  # type: ignore[arg-type]  # that is the point


def test_a_path_where_no_file_is_is_an_error_at_once(tmp_path: Path) -> None:
    """Neither nothing nor a folder is a file."""
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"there is no file {path}"):
            File(path)


@pytest.mark.parametrize(
    "name", ["a/b", "..", "a\\b", " a", "a.", "a\nb", "a\u202eb", "\udcff", "nul", LONG], ids=repr
)
def test_a_name_that_is_none_is_an_error_with_one_that_would_be(name: str) -> None:
    """An author who names a file is told what is wrong with it."""
    with pytest.raises(ValueError, match=r"is no file name; '[^']+' would be"):
        File(b"", name)


@pytest.mark.parametrize(
    "media_type", ["png", "image/", "image/png\r\nX: y", "image/png;\r\nX: y", "a b/c", "/", "ä/b"]
)
def test_a_media_type_that_is_none_is_an_error(media_type: str) -> None:
    """Nor may it carry anything else into a platform's headers."""
    assert not is_media_type(media_type)
    with pytest.raises(ValueError, match="is no media type; one is like image/png"):
        File(b"", "a", media_type)


def test_a_path_of_any_name_can_be_sent(tmp_path: Path) -> None:
    """A hidden file, or one with a name that not every system takes, is sent under a safe one."""
    for name, shown in [(".hidden.txt", "hidden.txt"), ("a:b", "a_b"), (os.fsdecode(b"\xff"), "_")]:
        path = tmp_path / name
        path.write_bytes(b"x")
        assert File(path).name == shown


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\x\\y.exe", "C_x_y.exe"),
        ("photo\u202egpj.exe", "photo_gpj.exe"),
        ("a\x00b\nc", "a_b_c"),
        ("\ufeffbom\u200b", "_bom_"),
        ("می\u200cشود.txt", "می\u200cشود.txt"),
        ("👩\u200d👩.png", "👩\u200d👩.png"),
        ("", "file"),
        (" . . ", "file"),
        ("..", "file"),
        ("CON", "_CON"),
        ("lpt1.txt", "_lpt1.txt"),
        ("console.txt", "console.txt"),
        ("\ud800", "_"),
        (f"{LONG}.tar.gz", f"{'ä' * 98}.gz"),
        ("x." + LONG, "x." + "ä" * 99),
        ("a" * 199 + ". b", "a" * 197 + ". b"),
        ("a" + " ." * 150, "a"),
        ("a" + " " * 300 + "b.txt", "a.txt"),
        ("con" + " " * 300 + ".txt", "_con.txt"),
    ],
    ids=ascii,
)
def test_names_are_made_harmless_and_keep_their_ending(name: str, safe: str) -> None:
    """One plain file name on any system."""
    assert safe_name(name) == safe


@given(st.text(st.characters(), max_size=400))
def test_a_safe_name_is_safe_whatever_it_was(name: str) -> None:
    """It lies in its folder, is short enough, and is a name for a File."""
    safe = safe_name(name)
    assert Path("/folder", safe).parent == Path("/folder")
    assert safe == os.path.basename(safe)  # noqa: PTH119 - as a file system sees it
    assert 0 < len(safe.encode()) <= 200
    assert safe_name(safe) == safe
    assert File(b"", safe).name == safe


@pytest.mark.parametrize(
    ("size", "readable"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (1_400_000, "1.4 MB"),
        (20_000_000, "20.0 MB"),
        (5_000_000_000, "5.0 GB"),
        (7_000_000_000_000, "7000.0 GB"),
    ],
)
def test_sizes_are_as_people_read_them(size: int, readable: str) -> None:
    """In the largest unit that fits."""
    assert readable_size(size) == readable


def test_an_attachment_has_the_senders_claims() -> None:
    """Without any, it is a file of any type."""
    assert Attachment("ref") == Attachment("ref", "file", "application/octet-stream", None)
