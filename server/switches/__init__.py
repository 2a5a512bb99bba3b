"""What keeps symbols out of runs: switches, the blacklist, the queue of the next run, the locks of runs."""
