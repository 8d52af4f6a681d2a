"""The library of runs: records in a database, files in a storage folder, and their upkeep."""
