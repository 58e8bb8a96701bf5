"""The values of a run: as the last queued commit left them, and how they reach the store.

1. `cache` shows what each key holds, `volatile` keeps what is not durable, `held` is a value in
   the hands of one turn.
2. `commits` hands finished turns to the store, many at a time; `locks` and `updates` keep shared
   values from being fought for.
3. `expiry` removes what nobody has used, and lets it be told of; `undeclared` warns at start of
   what nobody would read any more.
"""
