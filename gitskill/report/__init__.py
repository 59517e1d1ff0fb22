"""What a person reads: a lesson, the lines of a file with their sources, two versions compared, the versions so far."""
