"""What the vendors sell, as data: one YAML file a vendor, read by ``routing.config.catalog``.

Each file says at its top where its facts come from. To add a model, add an entry; to change a price, append a dated
rate with its source and leave the old ones: past spend is explained by them, and a test compares them with a golden
file.
"""
