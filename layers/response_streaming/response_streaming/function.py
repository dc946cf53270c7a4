"""Loads a function's handler by name, and raises the errors of Lambda's runtime if it cannot be loaded."""

import importlib
from collections.abc import Callable
from typing import Any

from awslambdaric.lambda_runtime_exception import FaultException


def load(name: str) -> Callable[[Any, Any], Any]:
    """Return the handler `package.module.attribute`; raises `FaultException`, or what the module itself raises.

    The runtime only knows this layer's module, and would report a failed import under that name. The errors raised
    here name the function's own module.
    """
    module_name, _, attribute = name.rpartition(".")
    if not module_name:
        raise FaultException(FaultException.MALFORMED_HANDLER_NAME, f"Bad handler '{name}': no module is named", None)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise FaultException(
            FaultException.IMPORT_MODULE_ERROR, f"Unable to import module '{module_name}': {error}", None
        ) from error
    except SyntaxError as error:
        raise FaultException(
            FaultException.USER_CODE_SYNTAX_ERROR,
            f"Syntax error in module '{module_name}': {error}",
            [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'],
        ) from error
    if not hasattr(module, attribute):
        raise FaultException(
            FaultException.HANDLER_NOT_FOUND, f"Handler '{attribute}' missing on module '{module_name}'", None
        )
    handler: Callable[[Any, Any], Any] = getattr(module, attribute)
    return handler
