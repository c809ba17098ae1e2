"""The demonstration: real leads become paid invoices, a closed board becomes money at its experts, the books tie."""
