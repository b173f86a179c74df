"""The Label Studio that the builder runs itself: its process, its folder, and the accounts on it."""
