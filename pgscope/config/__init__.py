"""What a person set, in one TOML file: read strictly, written with its comments kept."""

from __future__ import annotations

from pgscope.config.columns import ColumnChoice
from pgscope.config.edit import keep_columns, keep_ignored
from pgscope.config.model import Config
from pgscope.config.read import ConfigError, load
from pgscope.config_path import config_path

__all__ = ["ColumnChoice", "Config", "ConfigError", "config_path", "keep_columns", "keep_ignored", "load"]
