import os
import signal
import sys
from contextlib import suppress

signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback for Ctrl-C during the imports, which take a second

from switchboard_local.main import main  # noqa: E402
from switchboard_local.signals import hang_up_with_terminal  # noqa: E402

hang_up_with_terminal()
code = main(sys.argv[1:], os.environ)
for stream in (sys.stdout, sys.stderr):
    with suppress(OSError, ValueError):  # the terminal may be closed
        stream.flush()
os._exit(code)  # not `sys.exit`, which waits for threads that wait for a database that does not answer
