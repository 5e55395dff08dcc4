"""Making, fetching and converting shower files; ``samples/`` holds the small files that come with the package."""
