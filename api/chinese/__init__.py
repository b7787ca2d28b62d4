"""The Chinese of what commands print, by its English template. `{}` stands for a value, in the same order.

`tests/test_language.py` names a text that is missing here.
"""

from __future__ import annotations

from .errors import ERRORS
from .errors_below import ERRORS_BELOW
from .help import HELP
from .messages import MESSAGES

CHINESE = HELP | MESSAGES | ERRORS | ERRORS_BELOW
"""Every template."""
