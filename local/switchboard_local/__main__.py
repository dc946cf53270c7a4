import os
import sys
from contextlib import suppress

from switchboard_local.main import main
from switchboard_local.signals import hang_up_with_terminal

hang_up_with_terminal()
code = main(sys.argv[1:], os.environ)
for stream in (sys.stdout, sys.stderr):
    with suppress(OSError, ValueError):  # the terminal may be closed
        stream.flush()
os._exit(code)  # not `sys.exit`, which waits for threads that wait for a database that does not answer
