-- Which terms are common decides how a search walks (store/search/frequencies.py). A term of one row in 2,000 must be
-- among those that ANALYZE finds: in a sample of 300 rows for each unit of the target it is met some 45 times.
ALTER TABLE resource ALTER COLUMN keys SET STATISTICS 300;
ALTER TABLE resource ALTER COLUMN flags SET STATISTICS 300;
