// The matte workbench: stage.
