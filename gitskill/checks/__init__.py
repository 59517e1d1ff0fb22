"""What a lesson, a resolution and a release must pass. Pure, no I/O."""
