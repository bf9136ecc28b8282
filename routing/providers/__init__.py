"""Where images are bought."""
