"""`make demo`: five organisations at work on the local stack, each answer checked."""
