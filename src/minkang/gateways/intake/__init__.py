"""What became of everything that was sent, as JSON: for senders' and operators' tools."""
