"""The one exception that a person sees: a sentence that says what is wrong and what to do."""


class StackError(Exception):
    """Printed as it is, without a stack trace; the command ends with code 1."""
