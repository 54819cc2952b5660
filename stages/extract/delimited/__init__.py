"""CSV and TSV: dialect, table, rows."""
