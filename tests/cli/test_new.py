"""`chatstate new`: a project that runs, and whose tests pass, at once."""

import importlib
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from support import call

from chatstate.cli.accounts import options_of
from chatstate.cli.new import Template, project
from chatstate.cli.settings import variable

TEMPLATES = get_args(Template)


@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_project_passes_its_tests(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each template, under a name of its own."""
    for name, text in project("tea-time", template).items():
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "bot", raising=False)  # as a command has loaded it
    tests = importlib.import_module("test_bot")
    assert tests.bot.id == "tea-time"
    assert tests.bot is sys.modules.pop("bot").bot
    del sys.modules["test_bot"]
    ran = [test for name, test in vars(tests).items() if name.startswith("test_")]
    assert ran
    for test in ran:
        assert inspect.iscoroutinefunction(test)
        await test()


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_file_of_a_project_has_its_name(template: Template) -> None:
    """Nothing of the template's own name is left, and no secret is in what is committed."""
    made = project("tea-time", template)
    assert {"Dockerfile", "compose.yaml", ".env.example", "README.md"} < set(made)
    assert "BOT" not in made["Dockerfile"] + made["README.md"] + made["pyproject.toml"]
    assert tomllib.loads(made["pyproject.toml"])["project"]["name"] == "tea-time"
    assert ".env\n" in made[".gitignore"]
    assert ".env\n" in made[".dockerignore"]
    assert "chatstate.cli" not in made["test_bot.py"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_an_example_of_settings_names_is_known(template: Template) -> None:
    """Each line of `.env.example` sets what chatstate or the template's own bot reads."""
    made = project("tea-time", template)
    told = re.findall(r"^(\w+)=", made[".env.example"], re.MULTILINE)
    known = {variable("on")} | {
        option.variable for name in ("telegram", "discord", "web") for option in options_of(name)
    }
    own = [name for name in told if name not in known]
    assert {variable("on"), "CHATSTATE_TELEGRAM_TOKEN", "CHATSTATE_WEB_LISTEN"} <= set(told)
    assert all(f'"{name}"' in made["bot.py"] for name in own if name != "OPENAI_API_KEY")


@pytest.mark.parametrize("name", ["1st", "a b", "../up", "", 'x"', "-x"])
def test_what_is_no_name_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "new", "--", name) == 2
    assert "is no name for a bot" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is not empty is refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tea").mkdir()
    (tmp_path / "tea" / "bot.py").write_text("mine")
    assert call(monkeypatch, "new", "tea") == 2
    assert "tea is there already, and is not empty" in capsys.readouterr().err
    assert (tmp_path / "tea" / "bot.py").read_text() == "mine"


def told(text: str, word: str) -> list[str]:
    """Return what the lines of a Dockerfile say that begin with a word."""
    return [line.removeprefix(word).strip() for line in text.splitlines() if line.startswith(word)]


def test_a_project_is_installed_and_runs_as_its_dockerfile_says(tmp_path: Path) -> None:
    """In a virtual environment, which has what it needs: nothing is fetched."""
    if os.environ.get("CI") != "true":
        pytest.importorskip("hatchling", reason="which builds the project")
        pytest.importorskip("pip", reason="which the Dockerfile has")
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (packages,) = tmp_path.glob("venv/lib/*/site-packages")
    (packages / "these.pth").write_text("\n".join(path for path in sys.path if path))
    pip = [sys.executable, "-m", "pip", "--python", python]
    offline = ["--no-index", "--no-build-isolation"]

    def run(command: str, folder: Path, text: str = "", **more: str) -> str:
        program, *arguments = shlex.split(command)
        is_pip = program == "pip"
        words = [*pip, *arguments, *offline] if is_pip else [python, "-m", program, *arguments]
        ran = subprocess.run(
            words,
            cwd=folder,
            input=text,
            env={**os.environ, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    run("chatstate new tea", tmp_path)
    tea = tmp_path / "tea"
    docker = (tea / "Dockerfile").read_text()
    (install, _) = told(docker, "RUN")
    run(install, tea)
    (setting,) = told(docker, "ENV")
    name, _, store = setting.replace("/data/", f"{tmp_path}/").partition("=")
    (command,) = told(docker, "CMD")
    assert run(" ".join(json.loads(command)), tea, "hi\n", **{name: store}) == "1. hi\n"
    assert (tmp_path / "tea.db").is_file()
    assert "2 passed" in run("pytest -p no:cacheprovider", tea)
