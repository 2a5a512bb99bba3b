"""Runs by the clock: one per slot, exchange and profile, however many processes there are.

A slot is taken by an insert into the database, so that it is run at most once; one that nobody took in time
is not run late. ``slots`` keeps them, ``timetable`` waits for them.
"""
