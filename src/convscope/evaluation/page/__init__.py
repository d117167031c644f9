"""The one HTML page of a report: everything inside the file, in English and Korean."""
