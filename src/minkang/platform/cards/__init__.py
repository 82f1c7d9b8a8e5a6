"""The health-card centre (居民健康卡): cards, the codes that show them, and whether a code is genuine."""
