"""What the framework says, and in which language."""

from typing import Any

import pytest

from chatstate import BindingError
from chatstate.language.en import ENGLISH
from chatstate.language.sentences import SHIPPED, Sentence, Sentences, blanks, say

MADE = Sentences(
    {
        "failed": "Oops.",
        "pt": {"failed": "Opa.", "cleared": "Esquecido."},
        "pt-BR": {"cleared": "Já esqueci."},
    }
)


@pytest.mark.parametrize("language", SHIPPED)
@pytest.mark.parametrize("name", ENGLISH)
def test_each_sentence_is_spoken_in_each_language(name: str, language: str) -> None:
    """Each shipped language has each sentence, with the same blanks."""
    assert blanks(SHIPPED[language][name]) == blanks(ENGLISH[name])


@pytest.mark.parametrize("language", SHIPPED)
def test_a_shipped_language_has_no_sentence_that_nobody_says(language: str) -> None:
    """A sentence that was removed is removed everywhere."""
    assert set(SHIPPED[language]) == set(ENGLISH)


@pytest.mark.parametrize(
    ("language", "failed", "cleared"),
    [
        (None, "Oops.", "Forgotten."),
        ("", "Oops.", "Forgotten."),
        ("en", "Oops.", "Forgotten."),
        ("pt", "Opa.", "Esquecido."),
        ("pt-PT", "Opa.", "Esquecido."),
        ("pt-BR", "Opa.", "Já esqueci."),
        ("PT_br", "Opa.", "Já esqueci."),
        ("pt-BR-x-home", "Opa.", "Já esqueci."),
        ("de-AT", "Oops.", "Vergessen."),
        ("zh-Hant-TW", "Oops.", "Forgotten."),
        ("-", "Oops.", "Forgotten."),
    ],
)
def test_a_language_falls_back_to_wider_ones(
    language: str | None, failed: str, cleared: str
) -> None:
    """From pt-BR to pt to the default; the author's own words come before ours."""
    sentences = MADE.of(language)
    assert (sentences["failed"], sentences["cleared"]) == (failed, cleared)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fail": "Oops"}, "there is no sentence 'fail'"),
        ({"de": {"fail": "Hoppla"}}, "there is no sentence 'fail'"),
        ({"de": "Hoppla"}, "there is no sentence 'de'"),
        ({"failed": {"de": "Hoppla"}}, "sentence 'failed' takes a text"),
        ({"in German": {"failed": "Hoppla"}}, "'in German' is no language; give a BCP 47 tag"),
        ({"de": {"missing": "{was} fehlt"}}, r"sentence 'missing' cannot be .*\{argument\}"),
    ],
    ids=repr,
)
def test_what_is_no_sentence_or_no_language_is_an_error(given: Any, said: str) -> None:
    """The error says what is possible."""
    with pytest.raises(BindingError, match=said):
        Sentences(given)


def test_a_sentence_in_a_sentence_is_in_the_same_language() -> None:
    """What is wrong with an argument is told in the language of what is around it."""
    inner = Sentence("not_whole", text=Sentence("empty_message"))
    whole = Sentence("bad_argument", problem=inner, usage="/vote choice")
    assert say(Sentences().of("de"), whole.name, **whole.values) == (
        "Eine leere Nachricht ist keine ganze Zahl. Möglich ist zum Beispiel 7. "
        "Der Befehl lautet: /vote choice"
    )
    assert str(whole).startswith("An empty message is not a whole number.")
