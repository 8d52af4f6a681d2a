// The matte workbench: util.
