"""What an author declares: handlers, how their parameters are bound, and on what terms they run.

1. No I/O, and nothing of a run is kept here: two engines may run one bot at once.
2. All that can be wrong with a declaration is found at registration, as a `BindingError`.

`interface` has the author's verbs; `routes` and `handlers` are what they make of a function.
"""
