"""What is on the map: tables, layers, access, filters, history and measures."""
