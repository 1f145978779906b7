"""The same jobs on several machines, by Ray: cameras that move when a machine dies."""
