"""Pictures, from any layout on disk to batches of numbers."""
