"""Who does the work: a module for each, as `benchmarks.contract` says."""
