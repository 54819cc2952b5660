"""The page of curves: learning curves with findings, token curves, the worst records."""
