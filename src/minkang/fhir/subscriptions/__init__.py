"""Subscriptions, pure: what one asks for (`wish`), what its target is told (`notification`).

Topic-based subscriptions on R4 (http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/) and R4's own form, in which
`criteria` is a search (http://hl7.org/fhir/R4/subscription.html).
"""
