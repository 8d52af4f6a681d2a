"""Songs: what their page asks, shows and exports."""
