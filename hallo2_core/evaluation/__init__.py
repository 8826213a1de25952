"""The measures that papers report, of finished videos: distances between distributions, quality against a reference,
lip sync, identity, flicker. Every measure takes frames as they come and holds a fixed number of them."""
