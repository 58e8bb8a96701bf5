"""What leaves, and the guards that see it before: `@bot.egress`.

1. `words` takes the texts out of whatever leaves, and puts others in; `spans` moves what is said of
   a text that was changed. `guards` asks an author's functions; `egress` knows what they have let
   pass. `guarded_turns` is what turns say; `borders` stand where the engine meets adapters, so that
   nothing goes around; `menus` are what is shown before anybody has said anything.
2. Nothing of it is there for a bot that has no guard: what is guarded is wrapped, as what is
   observed.
"""
