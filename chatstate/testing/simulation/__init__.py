"""Simulations: people talk to a bot that is in trouble, and it is told what is wrong with it.

`talk` is what people say, `troubles` what befalls the bot; `running` plays both to it, with a
`client` that notes what is odd; `differing` compares runs, `ordering` finds the order of what was
done at once, `judging` says by both what is wrong, and `shrinking` finds the least that shows it.
`simulating` is all of it: `simulate`.
"""

from chatstate.testing.simulation.simulating import SimulationError, simulate

__all__ = ["SimulationError", "simulate"]
