"""Subscriptions: who wants to be told of what changes, and is.

records     what is kept of each beside its resource
following   the follower of the feed: which change is an event for whom
delivering  whom to tell now, in order for each, none held up by another
telling     one visit to one target
desk        how one stands, for the FHIR door
"""
