"""How good mattes and masks are, frame by frame and along a clip."""
