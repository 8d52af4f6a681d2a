"""A study as something to read: sentences made from its numbers, tables for papers, one file that opens offline."""
