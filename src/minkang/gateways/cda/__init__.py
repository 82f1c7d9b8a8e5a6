"""Clinical documents (CDA R2) of WS/T 500 and WS/T 483: the pure rooms of their door."""
