"""Teach a classifier with a few pictures and words: features of pictures and sentences, and heads over them."""
