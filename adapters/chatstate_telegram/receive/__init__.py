"""From Telegram to durable events.

Owns what is read of updates (`wire`, `people`, `content`, `rich`), how they come (`polling`,
`webhook`), in which order (`ordering`), which of them are one message (`joining`), their way into
the inbox (`intake`), received files (`downloads`), and what stands in the way of receiving
(`trouble`). Acknowledges nothing that is not durable.
"""
