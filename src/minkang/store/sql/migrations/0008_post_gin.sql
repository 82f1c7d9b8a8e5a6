-- New terms go into the index of terms at once, not first into a list that every search compares with each of its terms:
-- with the list one code took 3 to 7 ms instead of 0.3, writers stood still up to a second when it was emptied, and
-- imports were no quicker for it (docs/explanation/store.md, "What was measured").
ALTER INDEX resource_keys SET (fastupdate = off);
ALTER INDEX resource_text_words SET (fastupdate = off);
SELECT gin_clean_pending_list('resource_keys'), gin_clean_pending_list('resource_text_words');
