"""The API's reference, taken at its word: each of its requests goes through the real gateway."""
