"""How the shapes of answers are described in the API's document: by the text below each field."""

from pydantic import ConfigDict

DESCRIBED = ConfigDict(use_attribute_docstrings=True)
