"""Suites that every adapter and every store inherits, a third party's too.

`adapter` and `store` have one each. A claim is a test of a suite, so that it holds everywhere.
"""
