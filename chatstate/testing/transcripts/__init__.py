"""Transcripts of conversations, as tests: `alice: hi`, and what the bot answers.

`script` is what they are made of, `reading` and `playing` do what they say, `showing` tells what
the bot did in their words, and `comparing` tells the difference. `check` is all of it.
"""

from chatstate.testing.transcripts.checking import bot_of, check

__all__ = ["bot_of", "check"]
