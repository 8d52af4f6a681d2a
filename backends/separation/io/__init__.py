"""Sound in and stems out: decoding, the mixture on disk, and growing stem files."""
