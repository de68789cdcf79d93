"""The arguments of an Active Job: from Python values to what Rails writes, and back."""
