"""Parts of the leak matrix: what is planted, what is asked, and how answers are read."""
