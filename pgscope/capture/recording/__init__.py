"""Recordings: the stream of samples as files. `docs/recording.md` describes the format."""
