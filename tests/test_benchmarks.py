"""The benchmarks run, and what they print can be relied on. No figure is judged here."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    chart,
    correctness,
    entrants,
    environments,
    growth,
    job,
    names,
    noise,
    page,
    servers,
)
from benchmarks.bars import Bar, judge
from benchmarks.children import done
from benchmarks.correctness import missing
from benchmarks.environments import Absent
from benchmarks.races import Contestant, Figure, Outcome, Race, hold
from benchmarks.wire import measure as wires
from benchmarks.wire import stations
from benchmarks.work import Figures, Result, text

ROOT = Path(__file__).parents[1]
RACE = Race("history echo", 100, 1, ())
WITHOUT = (
    *("chatstate, sync", "chatstate, hot user", "chatstate, hot global"),
    *("chatstate, waiting", "a plain dict"),
)
Quick = tuple[list[str], dict[str, Any]]


def run(*arguments: str, cache: Path) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(per_second: float, cpu_us: float) -> Figures:
    return Figures(per_second, cpu_us, 1.0, 2.0)


def outcome(**rounds: list[Figures]) -> Outcome:
    return Outcome(RACE, 200, rounds)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Quick:
    """Return the lines and the JSON of a tiny run for which no environment can be made."""
    folder = tmp_path_factory.mktemp("benchmarks")
    no_folder, file = folder / "cache", folder / "figures.json"
    no_folder.write_text("")
    tiny = ("--messages", "200", "--rounds", "1", *(f"--without={name}" for name in WITHOUT))
    out = run("--quick", *tiny, "--json", str(file), cache=no_folder)
    return out.splitlines(), json.loads(file.read_text())


def test_the_last_line_of_a_quick_run_is_the_ratio_to_bare_sqlite(quick: Quick) -> None:
    """A program may read the last line."""
    lines, data = quick
    assert re.fullmatch(r"\d+\.\d\d of bare SQLite", lines[-1])
    assert lines[-1].startswith(f"{data['bars'][0]['measured']:.2f} ")


def test_a_contestant_that_cannot_be_installed_is_a_line(quick: Quick) -> None:
    """Who cannot take part is told of once, and the others are measured."""
    lines, data = quick
    (line,) = [line for line in lines if line.startswith("python-telegram-bot is left out: ")]
    assert "venv" in line
    assert list(data["left_out"]) == [*WITHOUT, "python-telegram-bot"]
    assert [list(race["contestants"]) for race in data["races"]] == [
        ["bare SQLite", "chatstate, async"],
        ["bare SQLite", "chatstate, async"],
        [],
    ]


def test_the_json_holds_every_figure(quick: Quick) -> None:
    """Each contestant has its rounds, medians and ratios."""
    _, data = quick
    assert (data["cpus"], data["rounds"], data["messages"]) == (os.cpu_count(), 1, 200)
    assert [race["messages"] for race in data["races"]] == [20, 200, 200]
    for race in data["races"]:
        for contestant in race["contestants"].values():
            assert contestant["rounds"] == [contestant["median"]]
            assert all(figure > 0 for figure in contestant["median"].values())
            assert len(contestant["ratios"]) == (contestant["beside"] is not None)


def test_every_bar_is_in_the_table(quick: Quick) -> None:
    """What could not be measured is a bar that says so."""
    lines, data = quick
    table = lines[next(n for n, line in enumerate(lines) if line.startswith("bars")) + 1 :]
    for bar, line in zip(data["bars"], table, strict=False):
        assert line.startswith(bar["what"])
        word = {True: "  met", False: "missed", None: "not measured"}[bar["met"]]
        assert line.rstrip().endswith(word)
    assert {bar["what"] for bar in data["bars"] if bar["met"] is None} == {
        *("sync, 100 at once", "hot user", "hot global", "CPU, 100 at once"),
        "handlers that wait 10 ms",
    }


def test_the_profile_names_stations(tmp_path: Path) -> None:
    """The profile tells of chatstate's folders, of asyncio and of the database."""
    lines = run("profile", "--messages", "100", cache=tmp_path).splitlines()
    for station in ("chatstate/engine", "asyncio", "sqlite3", "benchmarks"):
        assert any(line.startswith(station) for line in lines)


@pytest.mark.parametrize(
    ("figure", "mine", "met"),
    [
        ("per_second", 50.0, True),
        ("per_second", 49.0, False),
        ("cpu_us", 50.0, True),
        ("cpu_us", 51.0, False),
    ],
)
def test_rates_have_a_least_and_cpu_time_a_most(figure: Figure, mine: float, met: bool) -> None:
    """A bar itself is met."""
    bar = Bar("", RACE.work, RACE.at_once, "me", "other", figure, 0.5)
    measured = outcome(me=[figures(mine, mine)], other=[figures(100.0, 100.0)])
    assert judge(bar, [measured]).met is met


def test_ratios_are_of_one_round() -> None:
    """A machine that is half as fast in one round spoils no ratio."""
    rounds = outcome(me=[figures(50, 1), figures(25, 1)], other=[figures(100, 1), figures(50, 1)])
    assert rounds.ratios("me", "other") == [0.5, 0.5]
    assert rounds.spread("other") == 2.0
    assert rounds.ratios("me", "nobody") == []


@pytest.mark.parametrize(
    ("slowest", "load", "warnings"), [(80.0, 0.2, 0), (70.0, 0.2, 1), (80.0, 3.0, 1)]
)
def test_a_noisy_machine_is_told_of(slowest: float, load: float, warnings: int) -> None:
    """When bare SQLite's rounds differ by more than three tenths, or something else ran."""
    rounds = {"bare SQLite": [figures(100.0, 1.0), figures(slowest, 1.0)]}
    told = list(noise.warnings([Outcome(RACE, 200, rounds)], load))
    assert len(told) == warnings
    assert all("the machine was noisy" in line for line in told)


def test_who_drops_out_is_in_no_later_round() -> None:
    """A contestant that cannot go on is left out as a whole, and not asked again."""
    calls: list[int] = []

    def work(_folder: Path, messages: int, _at_once: int) -> Result:
        calls.append(messages)
        if len(calls) == 2:
            raise Absent("it is gone")
        return Result(messages, 1.0, 1.0, [1.0, 1.0])

    left_out: dict[str, str] = {}
    race = Race("work", 1, 10, [Contestant("shy", work, None)])
    assert hold(race, 200, 5, left_out).rounds == {}
    assert (calls, left_out) == ([20, 20], {"shy": "it is gone"})


def test_what_pip_says_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network, the reason is pip's own last line."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(Absent, match="No matching distribution found for nobody==1"):
        environments.output_of(sys.executable, "-m", "pip", "install", "nobody==1")


def test_an_environment_that_was_not_finished_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run tries again, and one that is complete is left as it is."""
    made: list[str] = []

    def output_of(*command: str) -> str:
        made.append(command[2])
        if command[2] == "venv":
            Path(command[-1]).mkdir(parents=True, exist_ok=True)
        elif made.count("pip") == 1:
            raise Absent("no network")
        return ""

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(environments, "output_of", output_of)
    with pytest.raises(Absent, match="no network"):
        environments.python_with("nobody==1")
    python = environments.python_with("nobody==1")
    assert environments.python_with("nobody==1") == python
    assert made == ["venv", "pip", "venv", "pip"]


def test_messages_that_no_reply_has_are_missing() -> None:
    """Each is looked for in the reply to who wrote it, not in anybody's."""
    answered = [text(0), text(1), text(200)]
    replies = {"0": f"{text(0)}\n{text(200)}", "1": text(0)}
    assert missing(answered, replies) == [text(1)]


CONTESTANTS = ROOT / "benchmarks" / "contestants"
BLOCK = "<!-- figures: {} -->\n<!-- end of figures -->\n"


@pytest.mark.parametrize("entrant", entrants.ENTRANTS, ids=lambda entrant: entrant.name)
def test_each_contestant_says_what_it_promises(entrant: entrants.Entrant) -> None:
    """It is a file of its own with the parts that the contract names, in a fixed version."""
    tree = ast.parse((CONTESTANTS / f"{entrant.module}.py").read_text())
    parts = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert "bot" in parts
    assert len(ast.get_docstring(tree) or "") > 60
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", wanted) for wanted in entrant.requirements)


def test_a_contestant_does_each_job(tmp_path: Path) -> None:
    """A dict, which has no framework: as fast as can be, and nothing of it is right."""
    told = {"folder": str(tmp_path), "messages": 40, "at_once": 10, "people": 4}
    result = Result(**job.main("plain_dict", {"do": "speed", **told}))
    assert (result.messages, len(result.latencies)) == (40, 40)
    assert job.main("plain_dict", {"do": "thrice", **told}) == {"replies": 3, "changes": 3}
    replies = job.main("plain_dict", {"do": "ask", **told, "first": 7})
    assert replies[3].splitlines()[0] == text(43)


def test_who_forgets_is_found_out() -> None:
    """A process that keeps nothing is killed, and all that it had answered is missing."""
    found = correctness.looked_at(entrants.BY_NAME[names.DICT], servers.Servers())
    assert found.answered >= 600
    assert (found.missing, found.lost, found.changes) == (found.answered, 99, 3)


def test_who_can_take_part_nowhere_says_why(tmp_path: Path) -> None:
    """And a server that is not installed is such a reason."""
    with pytest.raises(Absent, match="services of Azure"):
        done(entrants.BY_NAME[names.AGENTS_BLOB], job.Job("speed", str(tmp_path)))
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(Absent, match="redis-server is not installed"),
        servers.Servers() as started,
    ):
        patch.setenv("PATH", str(tmp_path))
        with started.url("redis", tmp_path):
            pass


def test_some_run_in_the_first_rounds_alone() -> None:
    """Their ratios are of the rounds in which they ran."""
    ran: list[str] = []

    def work(name: str) -> Contestant:
        def run(_folder: Path, messages: int, _at_once: int) -> Result:
            ran.append(name)
            return Result(messages, 1.0, 1.0, [1.0, 1.0])

        return Contestant(name, run, None, 1 if name == "guest" else None)

    held = hold(Race("work", 1, 1, [work("host"), work("guest")]), 20, 3, {})
    assert ran == ["host", "guest", "host", "host"]
    assert held.ratios("guest", "host") == [1.0]


def test_the_page_is_filled_from_the_json(quick: Quick) -> None:
    """What was measured stands in its tables; the prose around them stays."""
    _, data = quick
    filled = page.filled(f"# Head\n{BLOCK.format('echo')}between\n{BLOCK.format('wire')}", data)
    assert filled.startswith("# Head\n<!-- figures: echo -->\n|  | messages/s |")
    assert "\n| chatstate, async | " in filled
    assert "between\n<!-- figures: wire -->\nNot measured.\n<!-- end" in filled
    assert page.filled(filled, data) == filled


def test_the_page_has_all_figures() -> None:
    """Each block of the documentation is one that is made, and each that is made is there."""
    found = re.findall(r"<!-- figures: (\w+) -->", (page.DOCS / "performance.md").read_text())
    assert sorted(found) == sorted(page.BLOCKS)


def test_the_chart_tells_who_keeps_what_was_answered() -> None:
    """The fastest comes first; who lost something is of another colour."""
    rates = {"slow": 10.0, "fast": 100.0}
    told = {name: {"median": {"per_second": rate}} for name, rate in rates.items()}
    race = {"at_once": 100, "contestants": told}
    checked = [{"name": "slow", "missing": 0}, {"name": "fast", "missing": 3}]
    bars = chart.bars_of({"races": [race], "correctness": checked})
    assert bars == [chart.Bar("fast", 100.0, keeps=False), chart.Bar("slow", 10.0, keeps=True)]
    kinds = re.findall(r'<rect class="(\w+)"', chart.drawn(bars))
    assert kinds[-2:] == ["loses", "keeps"]


@pytest.mark.parametrize(
    ("filename", "whose"),
    [
        ("/home/chatstate/chatstate/engine/turns/turns.py", stations.ENGINE),
        ("/home/chatstate/chatstate/stores/sqlite/turns.py", stations.STORE),
        ("/home/chatstate/adapters/chatstate_telegram/adapter.py", stations.ADAPTER),
        (
            "/home/chatstate/.venv/site-packages/telegram/_message.py",
            stations.CLIENT,
        ),
        ("/home/chatstate/.venv/site-packages/httpx/_client.py", stations.HTTP),
        ("/home/chatstate/benchmarks/wire/bots.py", stations.BOT),
        ("/usr/lib/python3.11/asyncio/events.py", stations.LOOP),
    ],
)
def test_each_file_is_somebodys(filename: str, whose: str) -> None:
    """Whatever the folder is called in which the repository lies."""
    assert stations.station_of(filename) == whose


@pytest.mark.skipif(not os.environ.get("CHATSTATE_LONG"), reason="CHATSTATE_LONG=1 runs it")
def test_messages_are_measured_end_to_end() -> None:
    """Each bot answers on its platform, and its stations add up to what it has used."""
    left_out: dict[str, str] = {}
    measured = wires.measure(20, left_out)
    assert left_out == {}
    for wire in measured:
        assert sum(wire.stations.values()) == pytest.approx(wire.cpu_us, rel=0.01)


@pytest.mark.skipif(not os.environ.get("CHATSTATE_LONG"), reason="CHATSTATE_LONG=1 runs it")
def test_the_cost_of_more_is_measured() -> None:
    """Each row is a bot that runs."""
    rows = [row._replace(sessions=row.sessions // 10_000) for row in growth.ROWS[1::4]]
    assert len(growth.measure(40, 1, rows=rows)) == len(rows)
