"""What one look at every picture tells: header, size, light, sharpness; and what names and counts tell."""
