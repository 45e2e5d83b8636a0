"""Pure functions on geometry, coordinates and registers: no database, no web."""
