"""The door for much at once: orders that take longer than a request, and the files they leave."""
