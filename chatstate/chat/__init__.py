"""`ChatInterface`: a function of (message, history), with the history kept for it.

A bot like any other: it stands on `bot`, and nothing else in the core knows of it. `interface`
has the author's class, `history` what becomes of messages and answers, `settings` the further
parameters that people may change.
"""
