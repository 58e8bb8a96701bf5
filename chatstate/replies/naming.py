"""What other libraries call an argument, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec


class NamingMeta(msgspec.StructMeta):
    """Tells whoever knows another library what an argument is called here.

    A class has them as `others`: the names elsewhere, each with what to write instead.
    """

    others: Mapping[str, str]

    if not TYPE_CHECKING:  # a type checker is to go on knowing what the class takes

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - it is a class's class
            try:
                return super().__call__(*args, **kwargs)
            except TypeError as error:
                other = next((name for name in kwargs if name in cls.others), None)
                if other is None:
                    raise
                told = f"{cls.__name__} has no argument {other}: {cls.others[other]}"
                raise TypeError(told) from error
