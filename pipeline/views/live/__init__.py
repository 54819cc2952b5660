"""The page of a run on this machine (`seedbed view`): what it asks, and who answers."""
