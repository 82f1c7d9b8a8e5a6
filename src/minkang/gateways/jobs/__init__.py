"""Jobs for operators and their tools, as JSON."""
