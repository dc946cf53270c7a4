"""Streams an ASGI application's response out of a Lambda function in Python.

Set `AWS_LAMBDA_EXEC_WRAPPER=/opt/python/wrapper`. A `Mangum` handler then
streams its responses; any other handler runs unchanged.
"""
