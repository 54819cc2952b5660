"""Recipes: YAML with places, checked whole."""
