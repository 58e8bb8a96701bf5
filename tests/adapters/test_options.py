"""Options of adapters: what a person typed, as the types that an adapter has declared."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from chatstate import AdapterError
from chatstate.adapter import declared_options, options_from, read_options

Positive = Annotated[float, Meta(gt=0)]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class LampOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a lamp can be told."""

    key: Annotated[str, Meta(description="Opens it.", extra={"secret": True}, min_length=3)] = "abc"
    bright: Annotated[bool, Meta(description="Be bright.")] = False
    patience: Annotated[Positive | None, Meta(description="In seconds.")] = 2.0
    level: Annotated[int, Meta(ge=1, le=5)] = 3
    mode: Literal["day", "night"] = "day"
    colour: Colour = Colour.RED
    rooms: tuple[Annotated[int, Meta(ge=0)], ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        """Check what must agree."""
        if self.bright and self.mode == "night":
            raise ValueError("a lamp that is bright is of the day")


def read(given: Mapping[str, object], **environment: str) -> LampOptions:
    return read_options(LampOptions, given, adapter="my-lamp", environment=environment)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("bright", "0", False),
        ("bright", "1", True),
        ("bright", "No", False),
        ("bright", "yes", True),
        ("bright", "FALSE", False),
        ("bright", "on", True),
        ("bright", True, True),
        ("patience", "3", 3.0),
        ("patience", " 0.5 ", 0.5),
        ("patience", None, None),
        ("level", "5", 5),
        ("mode", "night", "night"),
        ("colour", "blue", Colour.BLUE),
        ("rooms", "0, 1,2", (0, 1, 2)),
        ("rooms", "", ()),
        ("rooms", [4], (4,)),
        ("name", "off", "off"),
        ("name", " x ", " x "),
        ("name", Path("a/b"), "a/b"),
    ],
)
def test_a_text_becomes_what_its_field_says(name: str, text: object, value: object) -> None:
    """A truth, a number, a choice, several; and a text stays to the letter."""
    assert getattr(read({name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("bright", "maybe", "--bright takes 1 or 0, yes or no, not 'maybe'"),
        ("patience", "abc", "--patience takes a number above 0, not 'abc'"),
        ("patience", "0", "--patience takes a number above 0, not '0'"),
        ("patience", "nan", "--patience takes a number above 0, not 'nan'"),
        ("level", "9", "--level takes a whole number of at least 1 and of at most 5, not '9'"),
        ("level", "1.5", "--level takes a whole number of at least 1 and of at most 5, not '1.5'"),
        ("mode", "dusk", "--mode takes one of day, night, not 'dusk'"),
        ("colour", "mauve", "--colour takes one of red, blue, not 'mauve'"),
        ("rooms", "0,x", "--rooms takes several, with commas between them, each a whole number"),
        ("key", "a", "--key takes a text that is not empty"),
    ],
)
def test_what_cannot_be_is_told_with_what_is_possible(name: str, text: str, told: str) -> None:
    """By the option's name, and with the value."""
    with pytest.raises(AdapterError) as refused:
        read({name: text})
    assert str(refused.value).startswith(f"adapter 'my-lamp': {told}")


def test_a_secret_is_told_nowhere() -> None:
    """Neither a wrong value, nor the default."""
    with pytest.raises(AdapterError) as refused:
        read({"key": "x!"})
    assert "x!" not in str(refused.value)
    key = declared_options(LampOptions, "my-lamp")[0]
    assert (key.name, key.is_secret, key.default) == ("key", True, "")


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    """All of them, so that nobody must look."""
    with pytest.raises(
        AdapterError, match=r"has no option 'colour_'; it has key, bright, patience"
    ):
        read({"colour_": "red"})


def test_the_environment_fills_in_what_is_not_given() -> None:
    """Under the adapter's name; what is given counts, and an empty variable is none."""
    environment = {
        "CHATSTATE_MY_LAMP_LEVEL": "4",
        "CHATSTATE_MY_LAMP_MODE": "night",
        "CHATSTATE_MY_LAMP_PATIENCE": "",
    }
    options = read({"mode": "day"}, **environment)
    assert (options.level, options.mode, options.patience) == (4, "day", 2.0)


def test_a_wrong_variable_is_told_by_its_name() -> None:
    """Nobody who has set a variable has typed an option."""
    with pytest.raises(AdapterError, match="CHATSTATE_MY_LAMP_LEVEL takes a whole number"):
        read({}, CHATSTATE_MY_LAMP_LEVEL="much")


def test_what_two_options_must_agree_on_is_told() -> None:
    """In the words of the Struct."""
    with pytest.raises(AdapterError, match="adapter 'my-lamp': a lamp that is bright is of the"):
        read({"bright": "1", "mode": "night"})


def test_a_struct_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its author has said all, so the environment is not asked; but it is checked."""
    monkeypatch.setenv("CHATSTATE_MY_LAMP_LEVEL", "4")
    assert options_from(LampOptions, LampOptions(), {}, adapter="my-lamp") == LampOptions()
    assert options_from(LampOptions, None, {}, adapter="my-lamp").level == 4
    with pytest.raises(AdapterError, match="--level takes"):
        options_from(LampOptions, LampOptions(level=9), {}, adapter="my-lamp")
    with pytest.raises(TypeError, match="a LampOptions, or options by name, but not both"):
        options_from(LampOptions, LampOptions(), {"level": 1}, adapter="my-lamp")


def test_what_is_declared_can_be_shown() -> None:
    """Each option with what it is for, what it takes, and what it is otherwise."""
    told = {option.name: option for option in declared_options(LampOptions, "my-lamp")}
    assert list(told) == list(LampOptions.__struct_fields__)
    patience = told["patience"]
    assert (patience.description, patience.takes) == ("In seconds.", "a number above 0")
    assert (patience.default, patience.flag) == ("2", "--patience")
    assert patience.variable == "CHATSTATE_MY_LAMP_PATIENCE"
    assert [option.name for option in told.values() if option.is_flag] == ["bright"]
