"""Explaining from the screen: what is asked first, how it runs, and the plan to read."""
