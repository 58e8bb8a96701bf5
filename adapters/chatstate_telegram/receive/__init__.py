"""From Telegram to durable events.

Owns what is read of updates (`wire`, `content`), how they come (`polling`, `webhook`), what makes
one message of several (`albums`), their way into the inbox (`intake`), received files
(`downloads`), and what stands in the way of receiving (`trouble`). Acknowledges nothing that is not
durable.
"""
