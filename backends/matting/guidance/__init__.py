"""Guided matting: hints on single frames say who is meant, and are carried through the scenes that they lie in.

`hints` is what people say, as data. `regions` finds what a hint points at, `carrying` follows that from frame to frame
by optical flow and colour, `blending` turns it into a matte with a soft edge, and `correction` does all this for the
scenes of one video, in bounded memory.
"""
