"""The worker: it takes jobs from the queue, and a process for each of them does the work."""
