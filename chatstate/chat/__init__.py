"""`ChatInterface`: a function of (message, history), with the history kept for it.

A bot like any other: it stands on `bot`, and nothing else in the core knows of it.
"""
