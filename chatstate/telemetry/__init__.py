"""What an operator's own systems are told of a bot that runs: traces, figures, health.

Owns how these are told, and nothing of how turns run: `engine.observing` says what can be observed.
`traces` needs OpenTelemetry's API and `metrics` Prometheus' client (the extra `telemetry`), which
are loaded by whoever takes them; `health` judges, `doors` answers over HTTP.

1. It costs nothing unless it is asked for.
2. It tells no names and no words of people.
"""
