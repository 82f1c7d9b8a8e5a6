"""Which codes a value set holds and which lie under a code: pure, over resources that the caller looks up."""
