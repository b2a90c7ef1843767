"""The routes: what they share (`common`, `access`), one blueprint for each resource, and their description."""
