// The matte workbench: exact.
