"""Values as tables for people and as plain data for programs; nothing here asks, buys or opens anything."""
