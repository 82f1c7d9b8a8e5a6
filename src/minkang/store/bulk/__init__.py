"""Many resources at once: out (export), away (removal), and the jobs that do it."""
