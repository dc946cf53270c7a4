"""A start file whose runtime creates its client by names that the streaming layer does not know."""

import os
from pathlib import Path

import awslambdaric.__main__
import awslambdaric.bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

for module in (awslambdaric.__main__, awslambdaric.bootstrap):
    module.LambdaRuntimeClient = LambdaRuntimeClient
awslambdaric.__main__.main([str(Path.cwd()), os.environ["_HANDLER"]])
