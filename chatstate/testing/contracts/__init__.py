"""Suites that every adapter and every store inherits, a third party's too."""
