"""One decider for each command, under the command's name."""
