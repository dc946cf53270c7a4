"""Where a call goes: its targets, and how long each may take."""
