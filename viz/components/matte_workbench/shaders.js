// The matte workbench: shaders.
