import os
import sys

from switchboard_local.main import main

sys.exit(main(sys.argv[1:], os.environ))
