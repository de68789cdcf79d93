"""Code of the user's: calling it, asking its objects, and surviving both."""
