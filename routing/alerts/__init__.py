"""Where budget alerts are sent."""
