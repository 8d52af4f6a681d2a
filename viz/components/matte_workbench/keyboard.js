// The matte workbench: keyboard.
