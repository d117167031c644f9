"""From a listing of pictures to a finished run."""
