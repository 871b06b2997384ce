"""The configuration: its sections as models, where values come from, and what is said of wrong ones."""
