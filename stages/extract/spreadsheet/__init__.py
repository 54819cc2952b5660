"""Workbooks of Excel and OpenDocument: bounds, sheets, cells as text."""
