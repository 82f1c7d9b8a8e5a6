"""The door of the master index: matching, cross references, and what people decide."""
