"""Users' videos as training data: a data set's file, its videos cut into clips, and the cache that training reads."""
