"""What all pages of lists have."""

from services.gateway.shapes.answers import Shape


class Listed(Shape):
    next: str | None
    """`cursor` of the next page; null on the last. It goes with the same filters and order only."""
    total: int
    """Of the whole list."""
    total_is_exact: bool
    """False where there are more than `total`."""
