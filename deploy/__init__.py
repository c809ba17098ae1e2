"""How the system is brought up: on a laptop (`local`), in containers, on a cluster."""

SERVICES = ("identity", "intake", "routing", "billing", "payouts", "notifications")
