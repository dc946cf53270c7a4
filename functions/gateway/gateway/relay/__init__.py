"""Runs the attempts of a call and passes the first answer on."""
