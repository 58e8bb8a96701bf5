"""Measures chatstate beside its peers and the bare database, in one run."""
