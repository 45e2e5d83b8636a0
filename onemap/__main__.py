"""``python -m onemap``."""

from onemap.cli import main

main()
