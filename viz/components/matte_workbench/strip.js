// The matte workbench: strip.
