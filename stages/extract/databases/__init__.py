"""One module a server: `read(…)` gives batches of rows in the order of their key."""
