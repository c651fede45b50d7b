"""The numbers of hashtags."""

from __future__ import annotations


class HashtagNumbers:
    """Numbers hashtags in the order in which they come; it only ever grows.

    One thread may add to it while others read.

    Attributes:
        names: The hashtags by their numbers.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._by_name: dict[str, int] = {}

    def take(self, hashtag: str) -> int:
        """The number of a hashtag that comes; a new one where it is the first."""
        number = self._by_name.get(hashtag)
        if number is None:
            number = len(self.names)
            self.names.append(hashtag)  # first, so that whoever finds the number finds the name
            self._by_name[hashtag] = number
        return number

    def find(self, hashtag: str) -> int | None:
        """The number of a hashtag; None where it has not come."""
        return self._by_name.get(hashtag)

    def copy(self) -> HashtagNumbers:
        """The same numbers, which grow on their own."""
        numbers = HashtagNumbers()
        for name in list(self.names):
            numbers.take(name)
        return numbers
