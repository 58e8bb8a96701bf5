"""The values of a run: as the last queued commit left them, and how they reach the store."""
