"""Floor 0: what any program needs and no health word in it (settings, clock, ids, database, processes, logs)."""
