"""Lessons: why it is so, computed before the reader's eyes."""
