"""The engine: keys, store, jobs, runs and their accounts."""
