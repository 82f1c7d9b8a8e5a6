"""The front-end database (前置机): rows of agreed tables that a hospital fills and we read."""
