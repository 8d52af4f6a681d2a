"""The matting engines, one a file, with the networks and detectors they use."""
