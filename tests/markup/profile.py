"""How many examples Hypothesis tries: few each time, 10,000 with CHATSTATE_LONG set."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "markup",
    max_examples=150,
    deadline=None,  # a busy machine is no failure
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("markup-long", settings.get_profile("markup"), max_examples=10_000)
PROFILE = settings.get_profile("markup-long" if os.environ.get("CHATSTATE_LONG") else "markup")
