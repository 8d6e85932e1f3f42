"""The live camera: frames from the browser through the chosen recipe, and back as masks and groups."""
