// The matte workbench: source.
