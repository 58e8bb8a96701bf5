"""Codes with which a person goes on upon another device.

1. A code has 60 random bits, counts once, and for five minutes; a new one voids the one before.
2. Wrong codes are counted, whoever tries them: beyond `TRIES` all codes are void.
3. They are in memory: whoever restarts the bot asks for a new one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from chatstate_web.receive.cookies import Person

LASTS = 300.0
TRIES = 20
_BITS, _GROUP = 60, 4
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none looks like another
_MEANT = str.maketrans("OIL", "011", "- ")


class Links:
    """The codes of one page. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes: dict[str, tuple[Person, float]] = {}
        self._wrong = 0

    def make(self, person: Person) -> str:
        """Return a code for a person, as it is read aloud."""
        now = self._clock()
        self._codes = {
            code: known
            for code, known in self._codes.items()
            if known[1] > now and known[0].id != person.id
        }
        if not self._codes:
            self._wrong = 0
        code = _written(secrets.randbits(_BITS))
        self._codes[code] = (person, now + LASTS)
        return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))

    def use(self, code: str) -> Person | None:
        """Return whose a code is, which counts no more; None if it is nobody's."""
        person, until = self._codes.pop(code.upper().translate(_MEANT), (None, 0.0))
        if person and until > self._clock():
            return person
        self._wrong += 1
        if self._wrong >= TRIES:
            self._codes.clear()
        return None


def _written(number: int) -> str:
    digits = [(number >> shift) & 31 for shift in range(_BITS - 5, -1, -5)]
    return "".join(_LETTERS[digit] for digit in digits)
