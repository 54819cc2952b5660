"""The map: every record a point, on one page that runs offline."""
