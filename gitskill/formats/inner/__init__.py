"""What the readers are built of: shared by several formats, or the inside of one. No format stands here."""
