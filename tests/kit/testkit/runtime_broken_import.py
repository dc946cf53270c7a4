"""A function whose import fails for want of a package."""

import a_package_nobody_has  # type: ignore[import-not-found]  # noqa: F401
