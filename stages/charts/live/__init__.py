"""Pages with a script: one file that works offline, for what has too many points for a drawing."""
