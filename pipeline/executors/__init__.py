"""Where parts of work are done: processes here, a Ray cluster, arrays of a queue."""

NAMES = ("local", "ray", "array")
