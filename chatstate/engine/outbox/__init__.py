"""From what a handler answered to the platform's acknowledgement, in order and nothing lost."""
