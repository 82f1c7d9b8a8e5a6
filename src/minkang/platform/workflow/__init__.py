"""What goes on by itself after something was written: followers of the feed."""
