"""Music made by arithmetic, so that the true stems are known to the last bit and anyone may use it for anything."""
