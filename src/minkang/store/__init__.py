"""Floor 2: the record store, the only home of SQL on records."""
