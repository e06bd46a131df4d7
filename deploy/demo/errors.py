"""What ends the demo."""


class DemoError(Exception):
    """Something is not as it must be; the message is a sentence for whoever runs the demo."""


def require(condition: bool, sentence: str) -> None:
    """Raises DemoError with the sentence unless the condition holds."""
    if not condition:
        raise DemoError(sentence)
