// The matte workbench: loupe.
