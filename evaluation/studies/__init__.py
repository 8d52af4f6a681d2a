"""Studies: which systems are measured on what, as data; run so that a kill at any moment loses nothing."""
