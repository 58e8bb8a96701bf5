"""What `chatstate new` makes: each template is a bot that runs, and a test that talks to it.

`echo`, `game`, `assistant`, `form` and `reminder` are bots, `test_echo` and so on their tests;
`project` has what stands around a bot, whichever it is. See `new` for what is changed in a copy.
"""
