"""Billing: accounts, price plans, the delivery ledger, invoices, adjustments, payments and the journal."""
