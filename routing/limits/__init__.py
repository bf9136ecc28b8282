"""Rate limits: purchases wait here until the vendor has room for them."""
