"""The pure heart: values and arithmetic, no clock, no file, no network, nothing third-party."""
