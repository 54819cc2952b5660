"""Compressed files and archives, bounded as a whole."""
