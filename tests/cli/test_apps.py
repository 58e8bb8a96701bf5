"""Apps of other libraries: made ready when a file imports the library, and run as bots."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatstate import LoadError
from chatstate.cli.loading import load_bot
from chatstate.cli.slowness import named_if_slow

LIBRARY = "served = []\nclass App:\n    def serve(self):\n        raise RuntimeError('it serves')\n"
MAKER = """
import acme_ui
from chatstate import Interface

class Apps:
    def __init__(self):
        self._serve = acme_ui.App.serve
        acme_ui.App.serve = lambda app, **how: acme_ui.served.append((app, how))

    def bot(self, module, name, allow):
        found = [app for app, _ in acme_ui.served]
        return Interface(id="made", title=f"{name} {allow} {acme_ui.served}") if found else None

    def close(self):
        acme_ui.App.serve = self._serve
"""
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return what writes a file beside an installed library, and what makes bots of its apps."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    write("acme-1.dist-info/METADATA", "Name: acme\nVersion: 1\n")
    write(
        "acme-1.dist-info/entry_points.txt",
        "[chatstate.apps]\nacme_ui = acme_maker:Apps\nacme_gone = acme_maker:Apps\n",
    )
    write("acme_ui.py", LIBRARY)
    write("acme_maker.py", MAKER)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = list(sys.path)
    yield write
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


APP = (
    "import acme_ui\nif __name__ == '__main__':\n    acme_ui.App().serve(door=1)\n    done = True\n"
)


def test_an_app_is_found_where_the_file_would_serve_it(write: Write) -> None:
    """What a program does is done, and goes on behind the serving."""
    bot = load_bot(str(write("app.py", APP)), ["telegram:1"])
    assert bot.id == "made"
    assert "'door': 1" in bot.title
    assert "['telegram:1']" in bot.title
    assert sys.modules["app"].done


def test_a_library_is_as_it_was_when_the_file_is_loaded(write: Write) -> None:
    """Serving is taken back, and the library is found by the loader that it has."""
    load_bot(str(write("app.py", APP)))
    library = sys.modules["acme_ui"]
    with pytest.raises(RuntimeError, match="it serves"):
        library.App().serve()
    assert type(library.__loader__).__name__ == "SourceFileLoader"


def test_a_library_that_is_there_already_is_made_ready_too(write: Write) -> None:
    """A second file meets it as the first did."""
    load_bot(str(write("app.py", APP)))
    assert load_bot(str(write("other.py", APP))).id == "made"


def test_a_bot_in_the_file_is_what_is_run(write: Write) -> None:
    """It may use the library as it likes, and its program is not run."""
    text = "import acme_ui\nfrom chatstate import Interface\nbot = Interface(id='own')\n"
    path = write("bot.py", f"{text}if __name__ == '__main__':\n    raise SystemExit(3)\n")
    assert load_bot(str(path)).id == "own"


def test_who_may_use_it_is_told_of_no_bot(write: Write) -> None:
    """A bot says itself who may use it."""
    path = write("bot.py", "from chatstate import Interface\nbot = Interface(id='own')\n")
    with pytest.raises(LoadError, match=r"--allow is for apps .* 'own' is a bot of chatstate's"):
        load_bot(str(path), ["telegram:1"])


def test_a_missing_library_is_named_with_what_installs_it(write: Write) -> None:
    """As far as it has to be imported; who can do without goes on."""
    with pytest.raises(LoadError, match="No module named 'acme_gone': pip install"):
        load_bot(str(write("app.py", "import acme_gone\n")))
    text = "try:\n    import acme_gone\nexcept ImportError:\n    import acme_ui\n"
    assert load_bot(str(write("other.py", text + APP))).id == "made"


@pytest.mark.parametrize(("end", "works"), [("0", True), ("", True), ("'no model'", False)])
def test_a_program_may_end_itself(write: Write, end: str, works: bool) -> None:
    """With success, as `sys.exit(main())` does; else the file is named, with what it says."""
    path = write("app.py", f"{APP}    import sys\n    sys.exit({end})\n")
    if works:
        assert load_bot(str(path)).id == "made"
    else:
        with pytest.raises(LoadError, match=r"app\.py .*ends itself: no model"):
            load_bot(str(path))


def test_a_program_reads_no_arguments_of_ours(write: Write) -> None:
    """It has none, as if it were run by its name alone."""
    path = write("app.py", f"{APP}    import sys\n    seen = list(sys.argv)\n")
    before = list(sys.argv)
    load_bot(str(path))
    assert sys.modules["app"].seen == [str(path)]
    assert sys.argv == before


class Told(logging.Handler):
    """Notes what is logged, and tells whoever waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.event = threading.Event()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()
        self.event.set()


def test_a_file_that_waits_is_named(tmp_path: Path) -> None:
    """With the line that it is at, whatever that calls."""
    path = tmp_path / "app.py"
    path.write_text("import time\nwaits = True\ntold.wait(20)\n")
    told, log = Told(), logging.getLogger("chatstate")
    log.addHandler(told)
    code = compile(path.read_text(), str(path), "exec")
    with named_if_slow(str(path), patience=0.01):
        exec(code, {"told": told.event})  # noqa: S102 - what a file does is run
    log.removeHandler(told)
    assert told.text.startswith("app.py:3: told.wait(20): the file is still being loaded")
