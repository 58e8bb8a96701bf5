"""`ChatInterface`: a function of (message, history), with the history kept for it.

A bot like any other: it stands on `bot`, and nothing else in the core knows of it. `interface`
has the author's class, `handler` the function as a handler, `history` what messages and answers
add, `undo` how turns are taken back, `settings` the further parameters that people may change.
"""
