"""One signal to many runs, as an operation that can be watched."""
