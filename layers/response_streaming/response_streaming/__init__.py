"""Streams an ASGI application's response out of a Lambda function in Python.

Set `AWS_LAMBDA_EXEC_WRAPPER=/opt/python/wrapper`. A handler that is a `Mangum` then streams; any other runs as before.
"""
