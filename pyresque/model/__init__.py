"""What a job is: its class, its place on a queue or in the future, and how it is performed."""
