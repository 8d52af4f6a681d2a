"""From a raw matte to finished pictures: smoothing over time, edges, foreground, background."""
