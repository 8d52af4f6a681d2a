"""Video in and out: reading, colour, sound, exports, and the pipeline of one job."""
