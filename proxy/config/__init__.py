"""Pure: from the environment to the settings, each checked and named when it is wrong."""
