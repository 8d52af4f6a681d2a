// The matte workbench: workbench.
