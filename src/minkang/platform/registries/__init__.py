"""The city's single source of who gives care and where: institutions, departments, people and what they work with."""
