"""One event on its way to its commit. Read `turns`: it is the path of every message.

1. `dispatch` finds the `plan` of an event; `admission` and `overlap` stand before its handler.
2. `calling` runs the handler within its `middleware`, on the `values` it holds; `effects` is what
   it can do meanwhile, `watch` knows it if it has to wait.
3. `finish` makes of what it did one commit, or of what it raised a dead letter; `fences` end what
   takes too long, or is interrupted.
4. A handler that asks is put aside and runs again with each answer: see `dialogue`. `asker` asks,
   `answering` finds what an event answers, `approvals` what others do, `modals` which form a
   platform can ask at once.
   What only other code can handle `handover` leaves to it; `refusals` knows who has.
5. What the framework itself does in a conversation is an event, too: see `own_events`.
"""
