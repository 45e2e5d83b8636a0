"""Rules that a named filter and an insight share: each says its source."""
