"""An estate as one file: made while it is served, verified, and restored into an empty one."""
