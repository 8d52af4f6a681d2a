// The matte workbench: panels.
