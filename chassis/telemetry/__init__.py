"""What a process says about itself: logs without personal data, metrics, traces."""
