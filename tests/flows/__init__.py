"""What only a whole running system shows: leads to money, kills, poison, one trace, logs without people."""
