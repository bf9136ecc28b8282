"""From text to the values of ``core``, or every problem at once."""
