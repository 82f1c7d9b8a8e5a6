"""How messages come in: over HTTP one by one, over a line by MLLP. Both end in `taking.taken`."""
