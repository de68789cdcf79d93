"""What we ask of the operating system: processes, signals, descriptors, memory, the terminal."""
