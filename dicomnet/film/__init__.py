"""Film as geometry and pixels. Knows no database and no network."""
