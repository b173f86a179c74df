"""What `builder push` refuses before it asks any server."""

import io
from typing import Any

import pytest
from rich.console import Console

from builder.commands.push import push
from builder.errors import ConfigError
from builder.studio.settings import LabelStudio


def test_recorded_annotators_have_no_accounts_elsewhere(make_sample: Any) -> None:
    config = make_sample(chunks=1).config
    config.label_studio = LabelStudio(url="http://127.0.0.1:9", retries=0)
    with pytest.raises(ConfigError, match="embedded Label Studio only"):
        push(config, Console(file=io.StringIO()))
