"""Pure: which target a request goes to next, and what a failure means."""
