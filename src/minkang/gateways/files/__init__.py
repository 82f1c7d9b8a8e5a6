"""Tables of standard data sets: CSV and Excel files."""
