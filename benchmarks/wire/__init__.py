"""What a message costs from end to end, through real adapters and servers on loopback.

`people` write and read on a platform, in the runner's process; `bots` are what answers them, in a
process of its own; `measure` runs them, and says where a bot's time goes; `stations` says what is
whose.
"""
