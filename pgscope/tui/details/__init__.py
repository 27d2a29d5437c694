"""Screens that one drills to: a group, a session, a statement. Escape leaves them."""
