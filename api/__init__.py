"""The HTTP interface: tiles, features, measures, search and the catalogue."""
