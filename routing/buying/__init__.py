"""From a request to its pictures: ordered, decided, reserved, called once, settled; ports only."""
