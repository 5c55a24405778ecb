"""The parts of the composition root: each makes one part of the application from the settings."""
