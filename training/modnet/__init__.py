"""The training of the MODNet starter (matting)."""
