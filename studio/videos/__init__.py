"""Videos and pictures with people: what their pages ask and show, exact frames, the live picture."""
