"""JSON and JSONL: values, lines, wrappers of one list."""
