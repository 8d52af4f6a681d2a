"""The studio's own web addresses: players' files, exports and scripts, and how errors are answered."""
