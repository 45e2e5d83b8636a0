"""Long proofs, run by hand with ``make prove``: they are no part of the everyday tests."""
