"""What can be done with mail: one function per use case."""
