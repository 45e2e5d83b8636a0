"""Positions of vehicles: CSV, GPX, GeoLife .plt and any file of points, to fixes, trips, stops."""
